import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '../../src/metrics/create-metrics.ts';
import { type ActiveTask, activeTask, ActiveTasks } from '../../src/runtime/active-tasks.ts';
import { ServerEmitter } from '../../src/runtime/emitter.ts';
import { Stopper } from '../../src/runtime/stopper.ts';
import { TaskRunner, type TaskRunnerOptions } from '../../src/runtime/task-runner.ts';
import { emptyTaskMessage } from '../../src/wire/task-message.ts';
import { collect, useFleet } from '../helpers/server.ts';

const fleet = await useFleet();

function leased(
  run: number,
  given: { id?: string; queue?: string; leasedMonotonicMs?: number } = {},
): ActiveTask {
  const { id = `task-${run}`, queue = 'q', leasedMonotonicMs = 0 } = given;
  return activeTask({
    run,
    ref: { id, type: 't', queue, retried: 0, maxRetry: 25 },
    raw: new Uint8Array(),
    message: emptyTaskMessage(),
    handler: { file: '', url: '', pattern: 't', hasSchema: false },
    maxRetry: 25,
    bounds: {},
    crashes: 0,
    isSuspect: false,
    waitedMs: 5,
    leasedMonotonicMs,
    leaseEndsMonotonicMs: Number.POSITIVE_INFINITY,
  });
}

test('of each of many short tasks one started and then one succeeded event comes, and a scrape counts them all', async () => {
  const count = 300;
  const server = fleet.make({ concurrency: 4, tasksPerThread: 2 });
  const metrics = createMetrics(server, { queueMetrics: false });
  const heard = new Map<string, string[]>();
  const hear = (name: string, id: string): void =>
    void heard.set(id, [...(heard.get(id) ?? []), name]);
  server.on('started', ({ task, threadId, waitMs }) => {
    assert.ok(threadId > 0 && waitMs !== undefined && waitMs >= 0);
    hear('started', task.id);
  });
  server.on('succeeded', ({ task, runMs }) => {
    assert.ok(runMs >= 0 && task.type === 'ok' && task.queue === 'default');
    hear('succeeded', task.id);
  });
  const faults: unknown[] = [];
  server.on('fault', ({ error }) => faults.push(error));
  const requests = Array.from({ length: count }, () => ({ task: { type: 'ok' } }));
  const stored = await fleet.client.enqueueMany(requests);
  const done = collect(server, 'succeeded', count);
  await server.start();
  await done;
  const { body } = await metrics.scrape();
  metrics.stop();
  await server.shutdown();
  for (const result of stored) {
    assert.ok(result.ok);
    assert.deepEqual(heard.get(result.info.id), ['started', 'succeeded']);
  }
  assert.equal(heard.size, count);
  assert.deepEqual(faults, []);
  const labels = 'queue="default",type="ok"';
  for (const line of [
    `threadmill_tasks_processed_total{${labels}} ${count}`,
    `threadmill_task_run_seconds_count{${labels}} ${count}`,
    `threadmill_task_run_seconds_bucket{le="+Inf",${labels}} ${count}`,
    `threadmill_task_wait_seconds_count{queue="default"} ${count}`,
  ]) {
    assert.ok(body.split('\n').includes(line), line);
  }
});

test('a run that came with its outcome is started then, and watched by nobody', () => {
  const active = new ActiveTasks();
  const emitter = new ServerEmitter();
  const heard: unknown[] = [];
  emitter.on('started', ({ task, ...rest }) => heard.push(['started', task.id, rest]));
  const watched: unknown[] = [];
  const watch = { watch: (task: ActiveTask) => watched.push(task) };
  const runner = new TaskRunner({
    active,
    emitter,
    finisher: {
      finish: (task: ActiveTask) => heard.push(['finished', task.threadId, task.startedWallMs]),
    },
    stopper: { onBegun: (task: ActiveTask) => watched.push(task) },
    deadlines: watch,
    hangWatch: watch,
    leases: { onBegun: (task: ActiveTask) => watched.push(task) },
    clock: { wallMs: () => 1_000_010, monotonicMs: () => 200 },
  } as unknown as TaskRunnerOptions);
  active.add(leased(1, { leasedMonotonicMs: 170 }));
  runner.onOutcome(1, { kind: 'returned', runMs: 2 }, { threadId: 7, atWallMs: 1_000_000 });
  // It waited for 5 ms in Redis and 20 here: it began 10 ms before this was heard, 30 ms after the lease.
  assert.deepEqual(heard, [
    ['started', 'task-1', { threadId: 7, waitMs: 25 }],
    ['finished', 7, 1_000_000],
  ]);
  assert.deepEqual(watched, []);
  active.add(leased(2));
  runner.onBegun(2, 7, 1_000_000);
  assert.equal(watched.length, 4);
  assert.equal(active.get(2)?.phase, 'running');
});

test('tasks in slots are told in the order of their leases, and known by ID and queue', () => {
  const active = new ActiveTasks();
  const first = leased(2_147_483_647, { id: 'same', leasedMonotonicMs: 1 });
  const second = leased(1, { id: 'same', leasedMonotonicMs: 2 });
  const other = leased(2, { id: 'same', queue: 'other', leasedMonotonicMs: 3 });
  const alone = leased(300, { leasedMonotonicMs: 2 });
  for (const task of [first, second, alone, other]) active.add(task);
  assert.deepEqual(active.inSlots(), [first, second, alone, other]);
  assert.deepEqual(active.withId('same'), [first, second, other]);
  assert.deepEqual(
    [first, second, other, alone].map((task) => active.hasOther(task)),
    [true, true, false, false],
  );
  active.freeSlot(first);
  assert.equal(active.hasOther(second), false, 'its code has ended');
  active.remove(first);
  active.remove(other);
  assert.deepEqual(active.withId('same'), [second]);
  active.remove(second);
  assert.deepEqual([active.withId('same'), active.size, active.occupied], [[], 1, 1]);
});

test('those that run for long are counted as long as their code runs', () => {
  const active = new ActiveTasks();
  const [old, young, unknown] = [leased(1), leased(2), leased(3)];
  for (const task of [old, young, unknown]) active.add(task);
  for (const task of [old, young]) active.begun(task);
  old.startedWallMs = 100;
  young.startedWallMs = 200;
  assert.deepEqual([active.runningSince(150), active.runningSince(300)], [1, 2]);
  active.freeSlot(old);
  assert.equal(active.runningSince(300), 1);
});

test('a shutdown leaves a run alone that has begun, though nobody has heard of it yet', () => {
  const begun = leased(1);
  const unbegun = leased(2);
  const told: unknown[] = [];
  const emitter = new ServerEmitter();
  emitter.on('stopping', ({ task }) => told.push(['stopping', task.id]));
  const stopper = new Stopper({
    active: { get: () => undefined, declareStuck: () => undefined },
    pool: { stop: () => false, terminate: () => Promise.resolve() },
    finisher: { finishUnbegun: (task) => void told.push(['finished', task.run, task.stop]) },
    emitter,
    clock: { wallMs: () => 0, monotonicMs: () => 0 },
    cancelGraceMs: 10,
    withdraw: (task) => task === unbegun,
  });
  for (const task of [begun, unbegun]) stopper.stopUnbegun(task, 'shutdown');
  assert.deepEqual(told, [
    ['stopping', 'task-2'],
    ['finished', 2, 'shutdown'],
  ]);
  assert.equal(begun.stop, undefined);
});
