/**
 * A walk through all tasks of one state, in steps that each take Redis a few milliseconds at most, while others add and
 * take tasks. What enters during the walk may be met or not; nothing that stays where it is is left out.
 */
import type { Broker, PlacedId, SweepReply, SweepStep, TaskPlace } from '../broker/broker.ts';

/** Which of the listed entries are meant, one answer for each. */
export type Choose = (entries: readonly PlacedId[], now: number) => Promise<boolean[]> | boolean[];

/** Who watches a walk. */
export interface WalkWatcher {
  /** Entries of the place at the beginning. */
  total: number;
  /** Whether to end before the next step. */
  readonly isStopped: boolean;
  /** So many entries more were looked at, and so many of them changed. */
  step(seen: number, changed: number): void;
}

/** What a walk needs. */
export interface Walk {
  readonly broker: Pick<Broker, 'sweep'>;
  readonly place: TaskPlace;
  readonly action: SweepStep['action'];
  readonly choose: Choose;
  readonly tally: WalkWatcher;
  /** Entries per step. */
  readonly count: number;
  /** Ends the walk early. */
  readonly isDone?: () => boolean;
}

/** The walk loses its place only when thousands of tasks were added or taken between two steps. */
const MOST_RESTARTS = 1000;
/** Places whose scores say when a task came in: what came after the beginning is not met. */
const SCORED_BY_ENTRY: ReadonlySet<string> = new Set(['archived', 'aggregating']);

/** Goes through a place; answers whether it was stopped before the end. */
export async function walk(options: Walk): Promise<boolean> {
  const { broker, place, action, count, tally } = options;
  const decide = remembering(options.choose);
  const first = { place, action, count };
  let reply = await broker.sweep(first);
  tally.total = reply.total;
  const limit = SCORED_BY_ENTRY.has(place.state) ? { maxScore: Math.floor(reply.now / 1000) } : {};
  let restarts = 0;
  while (reply.entries.length > 0 && options.isDone?.() !== true) {
    if (tally.isStopped) return true;
    const entries = await decide(reply);
    const next = await broker.sweep({ ...first, ...limit, listed: { at: reply.at, entries } });
    decide.forget(next.dealt);
    tally.step(next.dealt, next.changed);
    if (next.at >= 0) {
      reply = next;
    } else {
      restarts += 1;
      if (restarts > MOST_RESTARTS) return true; // not through, and it says so
      reply = await broker.sweep({ ...first, ...limit });
    }
  }
  return false;
}

interface Decide {
  (reply: SweepReply): Promise<(PlacedId & { isChosen: boolean })[]>;
  /** Forgets those that are dealt with: `dealt` of the entries that were decided last. */
  forget(dealt: number): void;
}

/** A step may leave some entries for the next one: these are not looked at twice. */
function remembering(choose: Choose): Decide {
  let decided: (PlacedId & { isChosen: boolean })[] = [];
  const decide = async ({ entries, now }: SweepReply): Promise<typeof decided> => {
    const known = new Map(decided.map(({ id, isChosen }) => [id, isChosen]));
    const fresh = entries.filter(({ id }) => !known.has(id));
    const chosen = fresh.length === 0 ? [] : await choose(fresh, now);
    for (const [index, { id }] of fresh.entries()) known.set(id, chosen[index] === true);
    decided = entries.map((entry) => ({ ...entry, isChosen: known.get(entry.id) === true }));
    return decided;
  };
  return Object.assign(decide, {
    forget: (dealt: number) => {
      decided = decided.slice(dealt);
    },
  });
}
