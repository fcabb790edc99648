/**
 * When a server gives a task up because it could not extend its lease. The stop begins early enough for the code to be gone
 * when the lease ends, as another server may run the task from then on; a stop takes the grace, then the thread is
 * terminated, and what cannot be terminated is killed with its process.
 */

/** A handler gets no longer than this to end by itself here, whatever its own grace: leases may be as short as 10 s. */
export const LONGEST_FENCE_GRACE_MS = 3_000;
/** For ending the thread, and the process when that fails. */
export const FENCE_MARGIN_MS = 1_000;
/** What a thread gets to end when the lease is over already. */
const SHORTEST_STUCK_MS = 25;

/** The instant at which the stop begins, on the clock of `leaseEndsMs`. */
export function fenceAt(leaseEndsMs: number, graceMs: number): number {
  return leaseEndsMs - Math.min(graceMs, LONGEST_FENCE_GRACE_MS) - FENCE_MARGIN_MS;
}

/** The grace of a stop that begins with so much left of the lease: none when the margin has begun. */
export function fenceGraceMs(leaseLeftMs: number, graceMs: number): number {
  const most = Math.min(graceMs, LONGEST_FENCE_GRACE_MS);
  return Math.min(Math.max(0, leaseLeftMs - FENCE_MARGIN_MS), most);
}

/** How long after its termination a thread counts as stuck: not longer than the lease, and at once when that is over. */
export function fenceStuckMs(leaseLeftMs: number): number {
  return Math.min(Math.max(SHORTEST_STUCK_MS, leaseLeftMs), FENCE_MARGIN_MS);
}
