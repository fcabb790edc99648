/** Walks through all keys, for what no container leads to: locks, tasks in no list, queues and groups that nobody lists. */
import { addTo, NO_TALLY } from '../../policy/doctor/finding.ts';
import { judgeListed } from '../../policy/doctor/judge-fleet.ts';
import { inChunks, type Looking } from './looking.ts';
import type { QueueLook } from './look-at-queue.ts';

const KEY =
  /^asynq:\{([^{}]+)\}:(?:(t|unique|g):(.+)|pending|scheduled|retry|archived|completed|active)$/s;
const LOCKS_PER_CALL = 200;
const GROUPS_PER_CALL = 200;
const HASHES_PER_CALL = 10;
const CHECKS = ['leaked-locks', 'tasks-in-no-list', 'unlisted-groups', 'unlisted-queues'] as const;

/** What some keys have to do with one queue. */
interface QueueKeysFound {
  readonly ids: string[];
  readonly locks: string[];
  readonly groups: string[];
}

/** How the walk learns of a queue: it has been looked at, or is looked at now. */
export type LookOf = (queue: string) => Promise<QueueLook | undefined>;

/** Notes what it finds, in queues that are listed and in others. */
export async function lookAtKeys(
  looking: Looking,
  listed: readonly string[],
  lookOf: LookOf,
): Promise<void> {
  const { health } = looking.broker;
  const unlisted = new Set<string>();
  await looking.attempt(CHECKS, async () => {
    let seen = 0;
    for (const { queue: through } of await health.nodes(
      listed.length === 0 ? ['default'] : listed,
    )) {
      let cursor = '0';
      do {
        const part = await health.scanKeys(through, cursor);
        looking.step({ step: 'keys', seen: (seen += part.keys.length) });
        for (const [queue, found] of byQueue(part.keys)) {
          if (!listed.includes(queue)) unlisted.add(queue);
          await lookAtFound(looking, queue, found, await lookOf(queue));
        }
        cursor = part.cursor;
      } while (cursor !== '0');
    }
    await noteUnlisted(looking, [...unlisted]);
  });
}

function byQueue(keys: readonly string[]): Map<string, QueueKeysFound> {
  const found = new Map<string, QueueKeysFound>();
  for (const key of keys) {
    const [, queue, kind, rest = ''] = KEY.exec(key) ?? [];
    if (queue === undefined) continue;
    const entry = found.get(queue) ?? { ids: [], locks: [], groups: [] };
    if (kind === 't') entry.ids.push(rest);
    if (kind === 'unique') entry.locks.push(key);
    if (kind === 'g') entry.groups.push(rest);
    found.set(queue, entry);
  }
  return found;
}

async function lookAtFound(
  looking: Looking,
  queue: string,
  { ids, locks, groups }: QueueKeysFound,
  look: QueueLook | undefined,
): Promise<void> {
  const { health } = looking.broker;
  const { mends } = looking;
  for (const keys of inChunks(locks, LOCKS_PER_CALL)) {
    const leaks = (await health.leakedLocks(queue, keys, mends)).map(({ key }) => key);
    looking.note('leaked-locks', queue, leaks, mends ? leaks.length : 0);
  }
  if (look === undefined) return;
  const unlisted = groups.filter((name) => !look.groups.has(name));
  for (const names of inChunks(unlisted, GROUPS_PER_CALL)) {
    const found = await health.lookAtGroups(queue, names, mends ? 'list' : 'find');
    const hidden = names.filter((_, index) => (found[index]?.size ?? 0) > 0);
    looking.note('unlisted-groups', queue, hidden, found.filter(({ isMended }) => isMended).length);
  }
  // Their tasks are in a group that no walk has led to.
  const strays = ids.filter((id) => !look.seen.has(id));
  for (const some of inChunks(strays, HASHES_PER_CALL)) {
    const found = await health.strayHashes(queue, some, look.beganMs);
    looking.note(
      'tasks-in-no-list',
      queue,
      found.map(({ id }) => id),
    );
  }
}

async function noteUnlisted({ broker, findings, mends }: Looking, queues: string[]): Promise<void> {
  const mended = mends && queues.length > 0 ? await broker.health.listQueues(queues) : 0;
  findings.push(judgeListed(addTo(NO_TALLY, queues, mended)));
}
