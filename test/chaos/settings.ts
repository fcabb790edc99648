/** What the fleet of a run is set to. */

/** The shortest that is allowed, so that a minute is long enough to lose some. */
export const LEASE_MS = 10_000;
export const CANCEL_GRACE_MS = 300;
export const SHUTDOWN_TIMEOUT_MS = 1_500;
export const RETRY_DELAY_MS = 300;
/** By how much one server's clock is off. */
export const CLOCK_OFF_MS = 10_000;
/** Names with weights. */
export const QUEUES: Readonly<Record<string, number>> = { urgent: 3, bulk: 1 };

/** Options that servers of both kinds share; `threadmill serve` takes them from its environment. */
export const SERVER_OPTIONS: Readonly<
  Record<string, number | string | Readonly<Record<string, number>>>
> = {
  queues: QUEUES,
  concurrency: 2,
  leaseDuration: LEASE_MS,
  cancelGrace: CANCEL_GRACE_MS,
  shutdownTimeout: SHUTDOWN_TIMEOUT_MS,
  maxOldGenerationMb: 48,
  /** A kill by the program while a task runs alone looks like a crash of that task. */
  maxCrashes: 1_000,
  forwardInterval: 200,
  heartbeatInterval: 1_000,
};

/** The same as variables: `leaseDuration` is `LEASE_DURATION`. */
export function asEnvironment(): Record<string, string> {
  const named = Object.entries(SERVER_OPTIONS).map(([name, value]) => [
    name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase(),
    typeof value === 'object'
      ? Object.entries(value)
          .map(([queue, weight]) => `${queue}=${weight}`)
          .join(',')
      : String(value),
  ]);
  return Object.fromEntries(named) as Record<string, string>;
}
