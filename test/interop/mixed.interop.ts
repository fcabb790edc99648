/** Point 3: Go and Threadmill servers on the same queues, under load, with kill -9 on both sides. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EnqueueRequest } from '../../src/index.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { until } from '../helpers/server.ts';
import type { Side } from './act.ts';
import { forThreadmill, stateOf } from './both-sides.ts';
import { MixedFleet } from './mixed-fleet.ts';
import { LOAD_MS, type LoadTask, makeLoad, planKills, UNIQUE_MS, WEIGHTS } from './mixed-load.ts';
import { type Enqueued, judge } from './mixed-verdict.ts';
import { forGo, type GoTask } from './peer.ts';
import type { Stage } from './stage.ts';
import { point, walk } from './walk.ts';

const SEED = Number(process.env['THREADMILL_INTEROP_SEED'] ?? 869_743);
const TASKS = Number(process.env['THREADMILL_INTEROP_TASKS'] ?? 20_000);
/** What a killed Go server ran is recovered a minute after its kill, and what is cut again, again. Ends what hangs. */
const SETTLE_LIMIT_MS = 360_000;
const FACTS = { point: 3, direction: 'both mixed', version: '0.26.0' } as const;
const SHARED = { type: 'work', maxRetry: 25 } as const;

await walk('mixed fleets', (stage) => {
  point(
    stage,
    FACTS,
    `six servers on weighted queues, ${TASKS} tasks, kill -9 on both sides: nothing lost, nothing doubled`,
    () => underLoad(stage),
  );
});

async function underLoad(stage: Stage): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'threadmill-mixed-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const load = makeLoad(SEED, TASKS);
  const fleet = new MixedFleet(stage, folder);
  await fleet.start();

  const began = performance.now();
  const [results] = await Promise.all([enqueueAll(stage, load), killAll(fleet)]);
  const loadedMs = performance.now() - began;
  await until(() => isIdle(stage), SETTLE_LIMIT_MS);
  const settledMs = performance.now() - began;
  await fleet.end();

  const enqueued = load.map(
    (task): Enqueued => ({
      task: task.id,
      failures: task.failures,
      isAccepted: results.get(task.id) === 'ok',
    }),
  );
  const { offences, ...figures } = judge({ lives: fleet.lives(), enqueued });
  const refused = enqueued.filter(({ isAccepted }) => !isAccepted).length;
  const times = { loadedMs: Math.round(loadedMs), settledMs: Math.round(settledMs) };
  console.log(
    `mixed fleet on a ${stage.kind}: ${JSON.stringify({ seed: SEED, refused, ...figures, ...times })}`,
  );

  assert.deepEqual(offences.slice(0, 20), []);
  assert.deepEqual([...new Set(results.values())].sort(), ['ok', 'task already exists']);
  for (const side of ['Go', 'Threadmill'] as const) {
    assert.ok(figures.executions[side] > TASKS / 10, `${side} took hardly any part`);
    assert.ok(figures.cut[side] > 0, `no kill of a ${side} server hit a running task`);
  }
  await checkEmpty(stage);
}

/** Both clients at once, over the time of the load. Resolves with how each call ended: `ok`, or the text of the error. */
async function enqueueAll(stage: Stage, load: readonly LoadTask[]): Promise<Map<string, string>> {
  const own = (side: Side): LoadTask[] => load.filter(({ by }) => by === side);
  const ofGo = own('Go');
  const producer = stage.peer();
  const [go, ours] = await Promise.all([
    producer.call('enqueueBulk', {
      tasks: ofGo.map((task) => forGo(goTask(task))),
      workers: 8,
      spreadMs: LOAD_MS,
    }) as Promise<string[]>,
    enqueueOurs(stage, own('Threadmill')),
  ]);
  return new Map([...ofGo.map(({ id }, index) => [id, go[index] ?? ''] as const), ...ours]);
}

async function enqueueOurs(
  stage: Stage,
  load: readonly LoadTask[],
): Promise<(readonly [string, string])[]> {
  const began = performance.now();
  const BATCH = 50;
  const results: (readonly [string, string])[] = [];
  for (let at = 0; at < load.length; at += BATCH) {
    await sleep(Math.max(0, began + (LOAD_MS * at) / load.length - performance.now()));
    const batch = load.slice(at, at + BATCH);
    const requests = batch.map((task): EnqueueRequest => forThreadmill(goTask(task)));
    const replies = await stage.client.enqueueMany(requests);
    replies.forEach((reply, index) => {
      results.push([batch[index]?.id ?? '', reply.ok ? 'ok' : textOf(reply.error)]);
    });
  }
  return results;
}

/** A refusal in Go's words, so that both sides' can be counted together. */
function textOf(error: Error): string {
  const { code } = error as { readonly code?: string };
  return code === 'ERR_DUPLICATE_TASK' ? 'task already exists' : `${code}: ${error.message}`;
}

function goTask({ id, queue, payload, isUnique }: LoadTask): GoTask {
  const { type, maxRetry } = SHARED;
  const unique = isUnique ? { unique: UNIQUE_MS } : {};
  return { type, payload, options: { queue, taskId: id, maxRetry, ...unique } };
}

async function killAll(fleet: MixedFleet): Promise<void> {
  const began = performance.now();
  await Promise.all(
    planKills(SEED).map(async ({ at, side, index }) => {
      await sleep(Math.max(0, began + at - performance.now()));
      await fleet.kill(side, index);
    }),
  );
}

/** Nothing waits or runs in any queue. Each is looked at in one moment: a task on its way would be seen nowhere. */
async function isIdle(stage: Stage): Promise<boolean> {
  const counts = await Promise.all(
    Object.keys(WEIGHTS).map(async (queue) => {
      const keys = queueKeys(queue);
      const look = stage.redisOf(keys.prefix).multi().llen(keys.pending).llen(keys.active);
      const replies = (await look.zcard(keys.retry).zcard(keys.scheduled).exec()) ?? [];
      return replies.reduce((sum, [, count]) => sum + Number(count), 0);
    }),
  );
  return counts.every((count) => count === 0);
}

/** Counters alone are left: no task, no lease, no lock. */
async function checkEmpty(stage: Stage): Promise<void> {
  for (const queue of Object.keys(WEIGHTS)) {
    const { state } = await stateOf(stage, queue);
    const { counters, ...rest } = state;
    assert.deepEqual(
      Object.fromEntries(Object.entries(rest).filter(([, value]) => !isEmpty(value))),
      {},
      queue,
    );
    assert.ok(Number(counters['processed']) > 0);
  }
}

function isEmpty(value: unknown): boolean {
  return value === undefined || Object.keys(value as object).length === 0;
}
