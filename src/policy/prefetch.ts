/**
 * How many tasks to lease ahead of the slots, so that a slot whose task has ended finds the next one here instead of a
 * round trip away. Short tasks are leased ahead by what the slots get through in a moment, the window; long ones not at
 * all: a waiting task that another server could begin at once is worth more there.
 *
 * The room ahead is counted in time: each waiting task takes as much of it as a run of its queue takes, and the slots
 * that are busy with a long run give none. So a queue of which nothing is known, and one of long tasks, are leased only
 * into free slots, and the order in which queues get their turns stays that of `queue-order`: where the next turn falls to
 * such a queue, nothing is leased ahead until it has had it.
 */
import { highestQueue, pickQueue, type QueueOrderOptions, totalWeight } from './queue-order.ts';

/** What waits is begun within this time, unless a run took longer than those before it. Milliseconds. */
export const WINDOW_MS = 150;
/** A Redis that answers slowly needs a longer window, or the line runs dry before the next batch is here. */
const LEASE_TIMES = 3;
const LONGEST_WINDOW_MS = 200;
/** Tasks that wait at most: a few batches, so that one is on its way while others are run and written down. */
export const MAX_AHEAD = 512;
/** Bytes of messages that wait, at which no more are leased ahead. */
export const MAX_AHEAD_BYTES = 16_777_216;
/** Messages from this size on are fetched one by one, and a call stops at so many bytes of them. */
const LARGE_BYTES = 65_536;
const CALL_BYTES = 1_048_576;
/** Replies of large messages that are on their way at once: they lie in Redis's memory as well until they are read. */
const LARGE_AT_ONCE = 8;
/** No run takes less of a slot than this, whatever its handler says: it has come to a thread and its outcome back. */
const LEAST_RUN_MS = 0.05;

/** What is known of the tasks of one queue. */
export interface QueueFigures {
  /** Typical duration of a run in milliseconds; absent until one has ended. */
  readonly runMs: number | undefined;
  /** Typical size of a message. */
  readonly bytes: number;
  /** Redis said at the last look that more were pending. */
  readonly hasMore: boolean;
}

/**
 * The next typical value of runs or sizes: rises fast and falls slowly, so that the first long task ends what is leased
 * ahead and many short ones bring it back.
 */
export function nextTypical(typical: number | undefined, seen: number): number {
  if (typical === undefined) return seen;
  return typical + (seen - typical) * (seen > typical ? 0.5 : 0.1);
}

/** What the room ahead depends on. */
export interface RoomFacts {
  readonly slots: number;
  /** Slots whose run is older than the window. */
  readonly longRuns: number;
  /** Tasks that wait for a slot, what they take of it by their queues' typical runs, and their bytes. */
  readonly waiting: number;
  readonly waitingMs: number;
  readonly waitingBytes: number;
  /** Tasks that lately left their slot, per millisecond. */
  readonly rate: number;
  /** What a lease lately took. */
  readonly leaseMs: number;
}

/** Room for tasks ahead of the slots. */
export interface Room {
  readonly tasks: number;
  /** Of the slots' time. */
  readonly ms: number;
  readonly bytes: number;
  /** A task that typically runs longer than this does not fit however empty the line is. */
  readonly longestMs: number;
}

/**
 * The room that is left. It is bounded by what left the slots lately as well, twice over so that it can grow: runs that
 * share a thread take longer than each of them says, and a queue that was empty for long may have changed.
 */
export function roomAhead(facts: RoomFacts): Room {
  const windowMs = Math.min(Math.max(WINDOW_MS, LEASE_TIMES * facts.leaseMs), LONGEST_WINDOW_MS);
  const longestMs = Math.max(0, facts.slots - facts.longRuns) * windowMs;
  const most = Math.min(MAX_AHEAD, Math.floor(2 * facts.rate * windowMs));
  return {
    tasks: Math.max(0, most - facts.waiting),
    ms: Math.max(0, longestMs - facts.waitingMs),
    bytes: Math.max(0, MAX_AHEAD_BYTES - facts.waitingBytes),
    longestMs,
  };
}

/** Tasks to ask for in one call, `most` at most: as many as typically fit into one reply, for it brings no more. */
export function mostPerCall(typicalBytes: number, most: number): number {
  if (typicalBytes < LARGE_BYTES) return most;
  return Math.max(1, Math.floor(CALL_BYTES / typicalBytes));
}

/** The calls that bring tasks of one queue. */
export interface LeaseCalls {
  /** What each asks for. */
  readonly sizes: readonly number[];
  /** Bytes of messages, those included that are fetched one by one, at which each stops. */
  readonly maxBytes: number;
}

/**
 * The calls for so many tasks, `most` in each; 0 is a look. Of large messages as much is on its way at once as that many
 * calls of one reply each would bring, in as few calls as bring it: a call costs Redis as much as ten tasks in it.
 */
export function leaseCalls(count: number, typicalBytes: number, most: number): LeaseCalls {
  const perReply = mostPerCall(typicalBytes, most);
  const isLarge = perReply < most;
  const maxBytes = isLarge ? LARGE_AT_ONCE * CALL_BYTES : CALL_BYTES;
  const all = isLarge ? Math.min(count, LARGE_AT_ONCE * perReply) : count;
  const each = isLarge ? Math.min(Math.max(1, Math.floor(maxBytes / typicalBytes)), most) : most;
  const length = Math.max(1, Math.ceil(all / each));
  return { sizes: Array.from({ length }, (_, i) => Math.min(all - i * each, each)), maxBytes };
}

/** What `drawAhead` needs. */
export interface AheadOptions extends QueueOrderOptions {
  readonly room: Room;
  /** The queue whose turn it is, where the last draw found no room for its task. */
  readonly next: string | undefined;
  figures(queue: string): QueueFigures;
}

/** What to lease ahead. */
export interface AheadDraw {
  /** How many of which queue; 0: look only whether there are any. */
  readonly draws: ReadonlyMap<string, number>;
  /** The queue whose turn comes next, as it does not fit now. */
  readonly next: string | undefined;
}

/**
 * Draws turns as `drawQueues` does, as long as there is room. A queue whose tasks are too long and that may have some is
 * looked at without taking any.
 */
export function drawAhead(options: AheadOptions): AheadDraw {
  const { strict, random, room, figures } = options;
  const queues = new Map(options.queues);
  const draws = new Map<string, number>();
  let { tasks, ms, bytes } = room;
  let total = totalWeight(queues);
  let next = options.next !== undefined && queues.has(options.next) ? options.next : undefined;
  while (queues.size > 0 && tasks > 0) {
    const isSettled = strict || queues.size === 1;
    const queue = next ?? (isSettled ? highestQueue(queues) : pickQueue(queues, random() * total));
    next = undefined;
    const { runMs = Number.POSITIVE_INFINITY, bytes: size, hasMore } = figures(queue);
    const cost = Math.max(runMs, LEAST_RUN_MS);
    if (cost > room.longestMs && !hasMore) {
      draws.set(queue, draws.get(queue) ?? 0);
      // In strict order nothing of a lower queue may be taken before this one is known to be empty.
      if (strict) break;
      total -= queues.get(queue) ?? 0;
      queues.delete(queue);
      continue;
    }
    if (cost > ms || bytes <= 0) {
      next = queue;
      break;
    }
    const fitting = Math.min(tasks, Math.floor(ms / cost), Math.ceil(bytes / Math.max(size, 1)));
    const count = isSettled ? fitting : 1;
    draws.set(queue, (draws.get(queue) ?? 0) + count);
    tasks -= count;
    ms -= count * cost;
    bytes -= count * size;
    if (isSettled) break;
  }
  return { draws, next };
}
