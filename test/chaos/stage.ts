/** Puts fleet, Redis, proxies, producer and injector together, lets them run, and takes them down again. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fleet } from './fleet.ts';
import type { Guard } from './guard.ts';
import { type Field, type Injected, Injector } from './injector.ts';
import { LagMeter } from './lag.ts';
import { LiveView } from './live-view.ts';
import { Looker } from './looker.ts';
import type { PlannedEvent } from './plan.ts';
import { type Produced, Producer } from './producer.ts';
import { leftBehind } from './processes.ts';
import { Proxy } from './proxy.ts';
import { monotonicMs, parseRecords, RECORDS_ENV, type RunRecord } from './records.ts';
import { RedisPair } from './redis-pair.ts';
import { redisTimeOffset } from './redis-time.ts';
import type { ServerEnd } from './server-process.ts';
import { type Snapshot, takeSnapshot } from './snapshot.ts';
import type { KnownTask } from './task-set.ts';

/** What is played. */
export interface Play {
  readonly plan: readonly PlannedEvent[];
  readonly tasks: readonly KnownTask[];
  readonly dist: string;
  readonly folder: string;
  readonly run: string;
  readonly guard: Guard;
  readonly lengthMs: number;
  readonly isSabotaged: boolean;
  note(line: string): void;
}

/** What there is to judge afterwards. */
export interface Played {
  readonly records: readonly RunRecord[];
  readonly injected: readonly Injected[];
  readonly produced: Produced;
  readonly final: Snapshot;
  readonly looks: readonly Snapshot[];
  /** What turns monotonic milliseconds into Redis TIME. */
  readonly offsetMs: number;
  /** What that changed by while the run lasted. */
  readonly driftMs: number;
  readonly lag: LagMeter;
  readonly left: readonly string[];
  /** How the servers ended when they were told to at the end. */
  readonly ends: readonly ServerEnd[];
  readonly kept: Readonly<Record<string, unknown>>;
}

const START_MS = 30_000;
/** What is left to do when nothing more happens ends when for so long nothing has begun: longer than any task or lease. */
const QUIET_MS = 60_000;
/** Where something is broken on purpose it may never come to rest: long enough for a lease and its recovery. */
const SABOTAGED_SETTLE_MS = 30_000;
const LOOK_MS = 200;

/** Plays it. */
export async function perform(play: Play): Promise<Played> {
  const { folder, guard, lengthMs, note } = play;
  const records = join(folder, 'records.jsonl');
  writeFileSync(records, '');
  process.env[RECORDS_ENV] = records;
  const redis = await RedisPair.start(folder, guard);
  const proxies = await openProxies(redis);
  const view = new LiveView(records, guard);
  const fleet = new Fleet({ ...play, proxies, records, view });
  const producer = await Producer.open(play.dist, proxies.direct.url, proxies.client.url);
  const lag = new LagMeter();
  const looker = new Looker(redis);
  try {
    const firstOffsetMs = await redisTimeOffset(redis.client);
    fleet.start();
    await until('the fleet', () => fleet.isUp, START_MS);
    const over = new AbortController();
    const startedAt = monotonicMs();
    const field: Field = { fleet, redis, proxies, frozen: new Set() };
    const injector = new Injector(field, play.plan, (event) => note(describe(event, startedAt)));
    const producing = producer.run(play.tasks, startedAt, over.signal);
    const injected = await injector.run(startedAt, over.signal);
    await sleep(Math.max(0, startedAt + lengthMs - monotonicMs()));
    const produced = await producing;
    const limitMs = play.isSabotaged ? SABOTAGED_SETTLE_MS : Number.POSITIVE_INFINITY;
    const isSettled = await waitUntilSettled(redis, view, limitMs);
    note(isSettled ? 'all settled' : 'not all settled, and nothing begins any more');
    const ends = await fleet.close();
    await looker.close();
    const pids = view.pids;
    const left = await leftBehind(play.run, pids);
    const final = await takeSnapshot(redis.client, true);
    const offsetMs = await redisTimeOffset(redis.client);
    view.look();
    return {
      records: parseRecords(readFileSync(records, 'utf8')),
      injected,
      produced,
      final,
      looks: looker.looks,
      offsetMs,
      driftMs: offsetMs - firstOffsetMs,
      lag,
      left,
      ends,
      kept: { injected, final },
    };
  } finally {
    lag.close();
    view.close();
    await looker.close();
    await producer.close();
    await fleet.close();
    await Promise.all(Object.values(proxies).map((proxy) => proxy.close()));
    await redis.stop();
  }
}

/** One for each server and for the producer; the last is never harmed but by a failover. */
async function openProxies(
  redis: RedisPair,
): Promise<Record<'A' | 'B' | 'C' | 'client' | 'direct', Proxy>> {
  const open = (): Promise<Proxy> => Proxy.open(() => redis.port);
  const [A, B, C, client, direct] = await Promise.all([open(), open(), open(), open(), open()]);
  return { A, B, C, client, direct };
}

async function waitUntilSettled(
  redis: RedisPair,
  view: LiveView,
  limitMs: number,
): Promise<boolean> {
  const giveUpAt = monotonicMs() + limitMs;
  let last = { executions: view.executions, at: monotonicMs() };
  while (monotonicMs() < giveUpAt && monotonicMs() < last.at + QUIET_MS) {
    const { queues } = await takeSnapshot(redis.client, false);
    const isDone = queues.every(({ places: { pending, active, scheduled, retry } }) => {
      return [pending, active, scheduled, retry].every((ids) => ids.length === 0);
    });
    if (isDone && view.pids.every((pid) => view.begun(pid) === 0)) return true;
    const { executions } = view;
    if (executions !== last.executions) last = { executions, at: monotonicMs() };
    await sleep(LOOK_MS);
  }
  return false;
}

function describe({ kind, target, variant, beganAt, note }: Injected, startedAt: number): string {
  const second = ((beganAt - startedAt) / 1_000).toFixed(1).padStart(7);
  return `${second} s  ${kind} ${target} ${variant}: ${note}`;
}

async function until(what: string, isSo: () => boolean, limitMs: number): Promise<void> {
  const giveUpAt = monotonicMs() + limitMs;
  while (!isSo()) {
    if (monotonicMs() > giveUpAt) throw new Error(`not within ${limitMs / 1_000} s: ${what}`);
    await sleep(LOOK_MS);
  }
}
