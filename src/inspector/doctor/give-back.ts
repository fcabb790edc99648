/** Gives active tasks without lease back to their queue, once it is clear that nobody runs them. */
import type { FleetFacts } from './look-at-fleet.ts';
import type { Looking } from './looking.ts';

/** Between the two looks: a living server of ours puts its entry back within this. */
const APART_MS = 15_000;

/**
 * Waits, looks again, and requeues what still has no lease and is claimed by no server: as the recoverer of a server that
 * served the queue would, but without spending an attempt. `unleased`: IDs by queue, from the first look.
 */
export async function giveBack(
  looking: Looking,
  unleased: ReadonlyMap<string, readonly string[]>,
  { servers, served }: FleetFacts,
  apartMs: number = APART_MS,
): Promise<void> {
  // Where nobody could tell which servers live, one of them may be running these tasks.
  if (unleased.size === 0 || served === undefined) return;
  await looking.wait(apartMs);
  for (const [queue, before] of unleased) {
    await looking.attempt(
      ['unleased-tasks'],
      async () => {
        const ids = await stillUnleased(looking, queue, before);
        const claimed = await claimedBy(looking, servers, ids);
        const free = new Set(ids.filter((id) => !claimed.has(id)));
        looking.note('unleased-tasks', queue, [], await requeue(looking, queue, free));
      },
      { queue },
    );
  }
}

async function stillUnleased(
  { broker }: Looking,
  queue: string,
  before: readonly string[],
): Promise<string[]> {
  const known = new Set(before);
  const still = new Set<string>();
  for (let from: number | undefined = 0; from !== undefined; ) {
    const call = { queue, container: { kind: 'active' }, from, mends: false } as const;
    const part = await broker.health.lookAtContainer(call);
    for (const { kind, id } of part.flaws) if (kind === 'unleased' && known.has(id)) still.add(id);
    from = part.next;
  }
  return [...still];
}

async function claimedBy(
  { broker }: Looking,
  servers: readonly string[],
  ids: readonly string[],
): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const claims = await Promise.all(servers.map((address) => broker.health.claimed(address, ids)));
  return new Set(claims.flat());
}

/** Answers how many. The broker lists a hundred at a time. */
async function requeue({ broker }: Looking, queue: string, ids: Set<string>): Promise<number> {
  let count = 0;
  for (;;) {
    const listed = await broker.unleased(queue);
    const recoveries = listed
      .filter(({ id }) => ids.delete(id))
      .map(({ id, token }) => ({ token, settlement: { kind: 'requeue', id } as const }));
    if (recoveries.length === 0) return count;
    const replies = await broker.settleUnleased(queue, recoveries);
    count += replies.filter((reply) => reply === 'settled').length;
  }
}
