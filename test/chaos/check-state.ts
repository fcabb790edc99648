/** Checks of what Redis holds: every task where it belongs, once, and nothing else. Pure. */
import { decodeTaskMessage } from '../../src/wire/task-message.ts';
import type { DeedResult } from './deed.ts';
import { byKey, type History } from './history.ts';
import { PLACES, type Place, type QueueSnapshot, type Snapshot } from './snapshot.ts';
import type { KnownTask } from './task-set.ts';

/** What the end of a run is compared with. */
export interface Expected {
  readonly tasks: readonly KnownTask[];
  /** Keys of those that were acknowledged. */
  readonly stored: ReadonlySet<number>;
}

const UNFINISHED: readonly Place[] = ['pending', 'active', 'scheduled', 'retry'];

/** Acknowledged tasks that are nowhere and never succeeded, or that are not finished yet. */
export function lost(
  { tasks, stored }: Expected,
  history: History,
  { queues }: Snapshot,
): string[] {
  const executions = byKey(history.executions);
  const where = placesById(queues);
  return tasks.flatMap(({ key, id, type }) => {
    const found = where.get(id) ?? [];
    const stuck = found.find((place) => UNFINISHED.includes(place));
    if (stuck !== undefined) return [`task ${key} (${type}) is still ${stuck}`];
    if (found.length > 0 || !stored.has(key)) return [];
    const hasSucceeded = executions.get(key)?.some(({ own }) => own?.how === 'ok') === true;
    return hasSucceeded ? [] : [`task ${key} (${type}) is gone and never succeeded`];
  });
}

/** Tasks that ended as they should not, and those that nobody enqueued. */
export function wrongEnds(
  { tasks, stored }: Expected,
  history: History,
  { queues }: Snapshot,
): string[] {
  const executions = byKey(history.executions);
  const where = placesById(queues);
  const known = new Set(tasks.map(({ id }) => id));
  const strangers = [...where.keys()].filter((id) => !known.has(id));
  const wrong = tasks.flatMap((task) => {
    const { key, id, end, queue } = task;
    const places = where.get(id) ?? [];
    if (places.some((place) => UNFINISHED.includes(place))) return []; // `lost` tells of them
    if (places.length === 0 && !stored.has(key)) return [];
    const is = places[0] ?? 'gone';
    if (is !== end) return [`task ${key} is ${is}, not ${end}`];
    const last = executions.get(key)?.at(-1);
    if (end === 'archived') return [];
    if (last !== undefined && last.own?.how !== 'ok') {
      return [`task ${key} is ${end}, although its last execution ${last.x} did not end well`];
    }
    if (end === 'gone') return [];
    const result = resultOf(queues.find((one) => one.queue === queue)?.hashes[id]?.result);
    return result === last?.x
      ? []
      : [`task ${key} has the result of execution ${result}, not of its last, ${last?.x}`];
  });
  return [...strangers.map((id) => `task ID ${id} was never enqueued`), ...wrong];
}

function resultOf(text: string | undefined): string | undefined {
  try {
    return (JSON.parse(text ?? '') as DeedResult).x;
  } catch {
    return undefined;
  }
}

/** IDs that stand in two places, or in another place than their hash says. */
export function doubleStates({ queues }: Snapshot): string[] {
  return queues.flatMap(({ queue, places, hashes }) => {
    const seen = new Map<string, Place>();
    return PLACES.flatMap((place) =>
      places[place].flatMap((id) => {
        const before = seen.get(id);
        seen.set(id, place);
        const state = hashes[id]?.state;
        return [
          ...(before === undefined ? [] : [`${queue}: ${id} is ${before} and ${place}`]),
          ...(state === undefined || state === place
            ? []
            : [`${queue}: ${id} is ${place}, its hash says ${state}`]),
        ];
      }),
    );
  });
}

/** IDs without hash, hashes and leases without place, and (at rest) active tasks without a lease. */
export function orphans({ queues }: Snapshot): string[] {
  return queues.flatMap((one) => {
    const { queue, places, hashes, leases } = one;
    const placed = new Set(PLACES.flatMap((place) => places[place]));
    const active = new Set(places.active);
    return [
      ...[...placed].filter((id) => hashes[id] === undefined).map((id) => `${id} has no hash`),
      ...Object.keys(hashes)
        .filter((id) => !placed.has(id))
        .map((id) => `hash ${id} stands nowhere`),
      ...Object.keys(leases)
        .filter((id) => !active.has(id))
        .map((id) => `lease of ${id}, which is not active`),
      ...places.active
        .filter((id) => leases[id] === undefined)
        .map((id) => `${id} is active without a lease`),
    ].map((text) => `${queue}: ${text}`);
  });
}

/** Uniqueness locks that nobody holds any more. */
export function leakedLocks({ queues }: Snapshot): string[] {
  return queues.flatMap(({ locks }) => locks.map((key) => `lock ${key}`));
}

/** Attempts spent, by key, where the message is still there. */
export function attemptsSpent(
  { tasks }: Expected,
  { queues }: Snapshot,
): ReadonlyMap<number, number> {
  const spent = new Map<number, number>();
  for (const { key, id, queue } of tasks) {
    const message = messageOf(queues, queue, id);
    if (message !== '') spent.set(key, decodeTaskMessage(Buffer.from(message, 'base64')).retried);
  }
  return spent;
}

function messageOf(queues: readonly QueueSnapshot[], queue: string, id: string): string {
  return queues.find((one) => one.queue === queue)?.hashes[id]?.message ?? '';
}

function placesById(queues: readonly QueueSnapshot[]): Map<string, Place[]> {
  const found = new Map<string, Place[]>();
  for (const { places } of queues) {
    for (const place of PLACES) {
      for (const id of places[place]) found.set(id, [...(found.get(id) ?? []), place]);
    }
  }
  return found;
}
