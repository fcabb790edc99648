/** Each way in which a task can go wrong costs one attempt of that task and never the pool. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EnqueueOptions, Server, ServerEvents } from '../../src/index.ts';
import { fixture } from '../helpers/paths.ts';
import { collect, next, recordingLogger, until, useFleet } from '../helpers/server.ts';

const TIMES = 5;
const GOOD_TASKS = 100;

const fleet = await useFleet();
const { client } = fleet;
const { logger, records } = recordingLogger();
const server = await fleet.start({
  handlers: fixture('hostile'),
  cancelGrace: 50,
  retryDelay: () => '1h',
  logger,
});

interface Bad {
  readonly type: string;
  readonly reason: ServerEvents['failed'][0]['reason'];
  readonly code: string | undefined;
  readonly message: RegExp;
  readonly options?: EnqueueOptions;
  readonly payload?: unknown;
}

const BAD: readonly Bad[] = [
  { type: 'throw', reason: 'error', code: undefined, message: /^thrown$/ },
  { type: 'reject', reason: 'error', code: undefined, message: /^rejected$/ },
  {
    type: 'uncloneable',
    reason: 'not_serializable',
    code: 'ERR_NOT_SERIALIZABLE',
    message: /result/,
    options: { retention: '1m' },
  },
  { type: 'exit', reason: 'exit', code: 'ERR_PROCESS_EXIT', message: /process\.exit\(7\)/ },
  { type: 'uncaught', reason: 'uncaught', code: undefined, message: /^nobody caught this$/ },
  { type: 'unhandled', reason: 'uncaught', code: undefined, message: /^nobody awaited this$/ },
  {
    type: 'hang',
    reason: 'heartbeat_missed',
    code: 'ERR_TASK_CANCELED',
    message: /^handler heartbeat missed$/,
    payload: { beats: 0, thenHang: true },
  },
  {
    type: 'loop',
    reason: 'timeout',
    code: 'ERR_TASK_CANCELED',
    message: /^context deadline exceeded$/,
    options: { timeout: '1s' },
  },
];

/** The pool is whole: all threads are there, and a hundred tasks run without a failure. */
async function assertWhole(of: Server): Promise<void> {
  await until(() => of.snapshot().threadsReady === 2 && of.snapshot().active === 0);
  const failures: string[] = [];
  const listener = ({ error }: ServerEvents['failed'][0]): void =>
    void failures.push(error.message);
  of.on('failed', listener);
  const done = collect(of, 'succeeded', GOOD_TASKS);
  await client.enqueueMany(
    Array.from({ length: GOOD_TASKS }, () => ({ task: { type: 'good', payload: 'x' } })),
  );
  const threads = new Set<number>();
  const onStarted = ({ threadId }: ServerEvents['started'][0]): void => void threads.add(threadId);
  of.on('started', onStarted);
  await done;
  of.off('failed', listener);
  of.off('started', onStarted);
  assert.deepEqual(failures, []);
}

for (const { type, payload, options, ...expected } of BAD) {
  test(`${type}: each costs one attempt of its task, and the pool is whole after ${TIMES}`, async () => {
    const failed = collect(server, 'failed', TIMES);
    const retried = collect(server, 'retried', TIMES);
    const task = { type, payload };
    const enqueued = await client.enqueueMany(
      Array.from({ length: TIMES }, () => ({ task, ...(options && { options }) })),
    );
    const ids = new Set(enqueued.flatMap((each) => (each.ok ? [each.info.id] : [])));
    for (const { task: ref, reason, error } of await failed) {
      assert.ok(ids.delete(ref.id), 'one attempt each');
      assert.equal(reason, expected.reason);
      assert.equal(Reflect.get(error, 'code'), expected.code);
      assert.match(error.message, expected.message);
    }
    assert.equal((await retried).length, TIMES);
    await assertWhole(server);
  });
}

for (const [type, text] of [
  ['late', 'after the end'],
  ['late-rejection', 'rejected after the end'],
] as const) {
  test(`${type}: an error after the end is logged with its task, counted, and fails nothing`, async () => {
    for (let time = 0; time < TIMES; time += 1) {
      // One after the other: the first late error ends its thread, with the timers of other tasks.
      const late = next(server, 'lateError');
      const { id } = await client.enqueue({ type });
      const event = await late;
      assert.deepEqual([event.task.id, event.task.type, event.error.message], [id, type, text]);
      const line = records.findLast(({ msg }) => msg.startsWith('an error nobody caught'));
      assert.equal(Reflect.get(Object(line?.['task']), 'id'), id);
    }
    await assertWhole(server);
  });
}

test('a task that keeps ending its thread is archived after maxCrashes, not after all its retries', async () => {
  const queue = 'killers';
  const own = await fleet.start({
    handlers: fixture('hostile'),
    queues: [queue],
    concurrency: 1,
    maxCrashes: 2,
    retryDelay: () => 0,
  });
  const crashed = collect(own, 'crashed', 2);
  const archived = next(own, 'archived');
  const { id } = await client.enqueue({ type: 'exit' }, { queue, maxRetry: 25 });
  assert.deepEqual(
    (await crashed).map(({ crashes }) => crashes),
    [1, 2],
  );
  const { task, error } = await archived;
  assert.equal(task.id, id);
  assert.equal(Reflect.get(error, 'code'), 'ERR_CRASH_LIMIT');
  assert.match(error.message, /2 times, the last time: .*process\.exit\(7\)/);
});

test('a neighbour on the thread of a process.exit goes back with nothing spent', async () => {
  const queue = 'neighbours';
  const own = await fleet.start({
    handlers: fixture('hostile'),
    queues: [queue],
    concurrency: 2,
    tasksPerThread: 2,
    retryDelay: () => '1h',
  });
  const running = next(own, 'progress');
  const waiting = await client.enqueue({ type: 'wait' }, { queue });
  await running;
  const requeued = next(own, 'requeued');
  const failed = next(own, 'failed');
  const exit = await client.enqueue({ type: 'exit' }, { queue });
  assert.equal((await failed).task.id, exit.id);
  const { task, reason } = await requeued;
  assert.deepEqual([task.id, task.retried, reason], [waiting.id, 0, 'thread_died']);
});
