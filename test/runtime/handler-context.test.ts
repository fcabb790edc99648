import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collect, next, recordingLogger, until, useFleet } from '../helpers/server.ts';
import { fixture } from '../helpers/paths.ts';

const fleet = await useFleet();
const { client } = fleet;
const { logger, records } = recordingLogger();
const server = await fleet.start({ logger, logLevel: 'trace' });

test('progress arrives as events, the last value always', async () => {
  const values: unknown[] = [];
  server.on('progress', ({ value }) => values.push(value));
  const done = next(server, 'succeeded');
  await client.enqueue({ type: 'report' });
  await done;
  assert.deepEqual(values.at(-1), { step: 500 });
  assert.ok(values.length < 20, `${values.length} progress events for one short task`);
});

test('log lines and console output come out of the server’s logger with their task', async () => {
  const done = next(server, 'succeeded');
  const { id } = await client.enqueue({ type: 'report' });
  await done;
  const mine = records.filter((record) => record['taskId'] === id);
  const line = mine.find((record) => record.msg === 'half way');
  assert.deepEqual(
    [line?.level, line?.['rows'], line?.['type'], line?.['queue']],
    [30, 3, 'report', 'default'],
  );
  const printed = mine.find((record) => record.msg === 'printed 42');
  assert.equal(printed?.['source'], 'console');
});

test('a handler enqueues through the main thread, one and many, with typed errors', async () => {
  const done = collect(server, 'succeeded', 3);
  const { id } = await client.enqueue({ type: 'enqueue' }, { retention: '1h' });
  await done;
  const parent = await client.getTask({ id });
  const result = JSON.parse(Buffer.from(parent?.result ?? []).toString()) as {
    id: string;
    many: string[];
  };
  assert.deepEqual(result.many, ['ok', 'ERR_INVALID_OPTIONS']);
  const child = await client.getTask({ id: result.id });
  assert.deepEqual(JSON.parse(Buffer.from(child?.payload ?? []).toString()), { from: id });
});

test('middleware wraps every handler, outermost first', async () => {
  const wrapped = await fleet.start({
    queues: { wrapped: 1 },
    handlers: fixture('acts'),
    middleware: [fixture('middleware/outer.js'), fixture('middleware/inner.js')],
  });
  const done = next(wrapped, 'succeeded');
  const { id } = await client.enqueue({ type: 'result' }, { queue: 'wrapped', retention: '1h' });
  await done;
  const outer = next(wrapped, 'succeeded');
  const echo = await client.enqueue(
    { type: 'echo', payload: 'x' },
    { queue: 'wrapped', retention: '1h' },
  );
  await outer;
  const task = await client.getTask({ id: echo.id, queue: 'wrapped' });
  assert.equal(Buffer.from(task?.result ?? []).toString(), 'outer(inner(x))');
  assert.ok(await client.getTask({ id, queue: 'wrapped' }));
});

test('a task that fails once succeeds at its second attempt', async () => {
  const quick = await fleet.start({ queues: { quick: 1 }, retryDelay: () => 0 });
  const retried = next(quick, 'retried');
  const done = next(quick, 'succeeded');
  await client.enqueue({ type: 'fail-once' }, { queue: 'quick' });
  assert.equal((await retried).task.retried, 0);
  assert.equal((await done).task.retried, 1);
});

test('no payload is logged at info level or above', async () => {
  const done = next(server, 'archived');
  await client.enqueue({ type: 'fail', payload: 'top-secret-payload' }, { maxRetry: 0 });
  await done;
  const told = records.filter((record) => record.level >= 30);
  assert.ok(told.length > 0);
  assert.ok(!JSON.stringify(told).includes('top-secret-payload'));
});

test('errorHandler hears every failed attempt, and may throw', async () => {
  const heard: string[] = [];
  const told = await fleet.start({
    queues: { told: 1 },
    errorHandler: (error, task) => {
      heard.push(`${task.type}: ${error.message}`);
      throw new Error('the handler of errors failed');
    },
  });
  const fault = next(told, 'fault');
  const archived = next(told, 'archived');
  await client.enqueue({ type: 'fail' }, { queue: 'told', maxRetry: 0 });
  await archived;
  assert.deepEqual(heard, ['fail: boom 0']);
  assert.equal((await fault).where, 'errorHandler');
});

test("the server's isFailure and retryDelay hold where the handler has none", async () => {
  const calls: unknown[] = [];
  const lenient = await fleet.start({
    queues: { lenient: 1 },
    isFailure: (error) => !error.message.startsWith('boom'),
    retryDelay: (retried, error, task) => {
      calls.push([retried, error.message, task.type]);
      return '10m';
    },
  });
  const retried = next(lenient, 'retried');
  await client.enqueue({ type: 'fail' }, { queue: 'lenient' });
  const event = await retried;
  assert.deepEqual([event.counts, event.reason, event.delayMs], [false, 'not_failure', 600_000]);
  assert.deepEqual(calls, [[0, 'boom 0', 'fail']]);
});

test("asynq's default delay is capped by maxRetryDelay", async () => {
  const capped = await fleet.start({ queues: ['capped'], maxRetryDelay: '5s' });
  const retried = next(capped, 'retried');
  await client.enqueue({ type: 'fail' }, { queue: 'capped' });
  assert.equal((await retried).delayMs, 5_000);
});

test('beforeLease holds back pulling until it says yes', async () => {
  let mayPull = false;
  let asked = 0;
  const held = await fleet.start({
    queues: { held: 1 },
    beforeLease: () => {
      asked += 1;
      return mayPull;
    },
  });
  const started = next(held, 'started');
  await client.enqueue({ type: 'ok' }, { queue: 'held' });
  const before = asked;
  await until(() => asked > before + 3);
  assert.equal(held.snapshot().active, 0);
  mayPull = true;
  await started;
});
