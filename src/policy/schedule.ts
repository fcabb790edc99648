/**
 * Which ticks of a periodic task are to be enqueued now. Time runs along one watermark per entry, `doneMs`: every tick up to
 * it has been enqueued or dropped. It is kept in Redis and only grows, so whoever leads the entry goes on from there.
 *
 * A tick is *missed* when no scheduler of ours ran when it was due, or when it is late by more than a minute all the same:
 * Redis was away, or the machine asleep. What then becomes of it is the entry's choice. A tick that is only late, as its
 * leader died and another had to take over, is not missed: it is enqueued.
 */
import { createHash } from 'node:crypto';
import type { Ticks } from './cron.ts';

/** What becomes of missed ticks: none is enqueued, the last one, or the last so many. */
export type MissedPolicy = 'skip' | 'once' | { readonly all: number };

/** The part of an entry that decides when. */
export interface Timing {
  readonly id: string;
  readonly ticks: Ticks;
  /** Each tick is enqueued up to so much later, in milliseconds. */
  readonly jitterMs: number;
  /** No tick before it. */
  readonly startAtMs: number;
  /** No tick after it. */
  readonly endAtMs: number;
  readonly missed: MissedPolicy;
}

/** By Redis's clock, in milliseconds since 1970. */
export interface Moment {
  readonly nowMs: number;
  readonly doneMs: number;
  /** Since when this scheduler has known the entry. */
  readonly aliveSinceMs: number;
}

/** What is to be done, and when to look again. */
export interface TickPlan {
  /** To be enqueued now, one after the other: oldest first. */
  readonly due: readonly number[];
  /** The watermark once these are enqueued. */
  readonly doneMs: number;
  /** The last tick that was missed, if any, and how many of the missed are among `due`. */
  readonly missed: { readonly last: number; readonly kept: number } | undefined;
  /** The next tick; `undefined` when there will be none. */
  readonly nextTickMs: number | undefined;
  /** When it is to be enqueued: the tick and its jitter. */
  readonly nextDueMs: number | undefined;
}

/** What is later than this has been missed, in milliseconds. */
export const LATEST_MS = 60_000;
/** Ticks looked at in one plan. The next plan goes on behind them. */
const MAX_TICKS = 1_000;

/** Decides for one entry. */
export function planTicks(timing: Timing, moment: Moment): TickPlan {
  const { ticks, jitterMs, missed: policy } = timing;
  const { nowMs } = moment;
  const from = Math.max(moment.doneMs, timing.startAtMs - 1);
  const until = Math.min(nowMs, timing.endAtMs);
  // Due before this instant is missed.
  const missedBeforeMs = Math.max(moment.aliveSinceMs, nowMs - LATEST_MS);
  const limit = keptOf(policy);
  // However long nobody was there: only the last of these ticks are worked out.
  const surelyMissedMs = Math.min(missedBeforeMs - jitterMs - 1, until);
  const long =
    surelyMissedMs > from ? ticks.lastUntil(surelyMissedMs, from, Math.max(1, limit)) : [];
  const missed = [...long];
  const fresh: number[] = [];
  const looked = Math.max(from, surelyMissedMs);
  let next = ticks.nextAfter(looked);
  for (let i = 0; next !== undefined && next <= until && i < MAX_TICKS; i += 1) {
    const dueMs = dueAt(timing, next);
    if (dueMs > nowMs) break;
    // By the latest instant at which it could be due: one that stood behind a tick with more jitter was not missed.
    (next + jitterMs < missedBeforeMs ? missed : fresh).push(next);
    next = ticks.nextAfter(next);
  }
  if (next !== undefined && next > timing.endAtMs) next = undefined;
  const kept = limit === 0 ? [] : missed.slice(-limit);
  const last = missed.at(-1);
  return {
    due: [...kept, ...fresh],
    doneMs: Math.max(moment.doneMs, next === undefined ? nowMs : Math.min(next - 1, nowMs)),
    missed: last === undefined ? undefined : { last, kept: kept.length },
    nextTickMs: next,
    nextDueMs: next === undefined ? undefined : dueAt(timing, next),
  };
}

function keptOf(policy: MissedPolicy): number {
  if (policy === 'skip') return 0;
  return policy === 'once' ? 1 : policy.all;
}

/** When a tick is enqueued. Its jitter is not random: all schedulers work out the same. */
export function dueAt({ id, jitterMs }: Pick<Timing, 'id' | 'jitterMs'>, tickMs: number): number {
  if (jitterMs === 0) return tickMs;
  const digest = createHash('sha256')
    .update(`${id}:${tickMs / 1000}`)
    .digest();
  return tickMs + (digest.readUIntBE(0, 6) % (jitterMs + 1));
}

/** The ID of the task of one tick: the same from whichever scheduler. */
export function tickTaskId(entryId: string, tickMs: number): string {
  return `${entryId}:${tickMs / 1000}`;
}
