import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Server, ServerOptions } from '../../src/index.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { decodeTaskMessage } from '../../src/wire/task-message.ts';
import { addToGroup } from '../helpers/groups.ts';
import { fixture } from '../helpers/paths.ts';
import { queueState, type QueueState } from '../helpers/queue-state.ts';
import { collect, next, recordingLogger, until, useFleet } from '../helpers/server.ts';

const fleet = await useFleet();
const { client } = fleet.redis;

/**
 * A server for one queue, to be started, that aggregates and runs no task, so that what came of a group can be looked at.
 */
function make(t: TestContext, queue: string, options: Partial<ServerOptions> = {}): Server {
  const server = fleet.make({
    handlers: fixture('aggregators'),
    queues: [queue],
    groupGracePeriod: '1s',
    beforeLease: () => false,
    ...options,
  });
  t.after(() => server.shutdown());
  return server;
}

/** The one task that is pending, and its payload as JSON. */
function resultOf(state: QueueState): { readonly id: string; readonly payload: unknown } {
  const [id = '', ...more] = state.pending;
  assert.deepEqual(more, []);
  const { payload } = decodeTaskMessage(state.tasks[id]?.['msg'] as Buffer);
  return { id, payload: JSON.parse(Buffer.from(payload).toString('utf8')) };
}

/** Until nothing is left of the sets of a queue. */
async function untilSwept(queue: string): Promise<QueueState> {
  let state = await queueState(client, queue);
  await until(async () => {
    state = await queueState(client, queue);
    return Object.keys({ ...state.closed, ...state.closedSets }).length === 0;
  });
  return state;
}

test('a group becomes one task in its queue, and its tasks are gone', async (t) => {
  const server = make(t, 'q1');
  const aggregated = next(server, 'aggregated');
  await addToGroup(client, 'join:a:b', { queue: 'q1', payloads: ['one', 'two', 'three'] });
  await server.start();
  const { group, count, taskId, runMs } = await aggregated;
  assert.deepEqual([group, count], [{ queue: 'q1', name: 'join:a:b' }, 3]);
  assert.ok(runMs > 0);
  const state = await untilSwept('q1');
  const result = resultOf(state);
  assert.equal(result.id, taskId);
  assert.deepEqual(result.payload, { group: 'join:a:b', texts: ['one', 'two', 'three'] });
  assert.deepEqual(Object.keys(state.tasks), [result.id]);
  assert.deepEqual([state.groups, state.group, state.aggregationSets], [[], {}, {}]);
  assert.equal(decodeTaskMessage(state.tasks[result.id]?.['msg'] as Buffer).timeout, 1800);
});

test('an aggregate function sees its tasks and a context, and its log lines name the group', async (t) => {
  const { logger, records } = recordingLogger();
  const server = make(t, 'q2', { logger });
  const aggregated = next(server, 'aggregated');
  const headers = { trace: 'abc' };
  const [id] = await addToGroup(client, 'act:talk', { queue: 'q2', payloads: [1], headers });
  await server.start();
  await aggregated;
  assert.deepEqual(resultOf(await untilSwept('q2')).payload, {
    kinds: [{ id, type: 'item', headers }],
    keys: ['canceled', 'heartbeat', 'log', 'signal', 'throwIfCanceled'],
  });
  const line = records.find(({ msg }) => msg === 'aggregating');
  assert.deepEqual([line?.['group'], line?.['queue'], line?.['tasks']], ['act:talk', 'q2', 1]);
  const start = records.find(({ msg }) => msg === 'started');
  assert.deepEqual(
    [start?.['handlers'], start?.['aggregators']],
    [[], ['act:', 'bounded:', 'join:']],
  );
});

test('options of the new task hold, but for the queue', async (t) => {
  const server = make(t, 'q3');
  const aggregated = next(server, 'aggregated');
  await addToGroup(client, 'act:later', { queue: 'q3', payloads: [1] });
  await server.start();
  assert.equal((await aggregated).taskId, 'later');
  const state = await untilSwept('q3');
  assert.deepEqual(Object.keys(state.scheduled), ['later']);
});

test('null deletes the tasks and makes none', async (t) => {
  const server = make(t, 'q4');
  const aggregated = next(server, 'aggregated');
  await addToGroup(client, 'act:none', { queue: 'q4', payloads: [1, 2] });
  await server.start();
  assert.equal((await aggregated).taskId, undefined);
  assert.deepEqual((await untilSwept('q4')).tasks, {});
});

for (const [act, reason, text, options] of [
  ['fail', 'error', /no luck/],
  ['forget', 'error', /returns a task.*not undefined/],
  ['uncloneable', 'not_serializable', /payload/],
  ['misplaced', 'not_stored', /task\.queue/],
  ['taken', 'not_stored', /taken/],
  ['exit', 'exit', /process\.exit/],
  ['bounded', 'timeout', /deadline exceeded/, { group: 'bounded:x' }],
] as const) {
  test(`tasks go back when the aggregate function does this: ${act}`, async (t) => {
    const queue = `q-${act}`;
    const name = options?.group ?? `act:${act}`;
    const server = make(t, queue);
    await client.hset(queueKeys(queue).task('taken'), 'state', 'archived');
    const failed = next(server, 'aggregationFailed');
    await addToGroup(client, name, { queue, payloads: [1, 2] });
    const before = await queueState(client, queue);
    await server.start();
    const event = await failed;
    assert.deepEqual(
      [event.group, event.count, event.reason, event.pauseMs],
      [{ queue, name }, 2, reason, 10_000],
    );
    assert.match(event.error.message, text);
    assert.deepEqual(await queueState(client, queue), before);
    // Left alone for a while: the next looks find it due and do nothing.
    const again = next(server, 'aggregationFailed');
    await addToGroup(client, 'join:b', { queue, payloads: [1] });
    await next(server, 'aggregated');
    assert.equal(await Promise.race([again, Promise.resolve('alone')]), 'alone');
  });
}

test('an aggregate function whose thread spins is stopped at a shutdown, and its set given back', async (t) => {
  const server = make(t, 'q5', { shutdownTimeout: 200, cancelGrace: 100 });
  const stopping = next(server, 'stopping');
  await addToGroup(client, 'act:spin', { queue: 'q5', payloads: [1] });
  await server.start();
  await until(() => server.snapshot().threadsBusy === 1);
  assert.deepEqual(Object.keys((await queueState(client, 'q5')).aggregationSets).length, 1);
  const { stillRunning } = await server.shutdown();
  assert.deepEqual(stillRunning, []);
  assert.equal((await stopping).reason, 'shutdown');
  const state = await queueState(client, 'q5');
  assert.deepEqual([state.groups, Object.keys(state.group)], [['act:spin'], ['act:spin']]);
  assert.deepEqual(state.aggregationSets, {});
});

test('what an aggregate function answers to a stop in time is stored', async (t) => {
  const server = make(t, 'q6', { shutdownTimeout: 100 });
  await addToGroup(client, 'act:obey', { queue: 'q6', payloads: [1] });
  await server.start();
  await until(() => server.snapshot().threadsBusy === 1);
  await server.shutdown();
  const state = await queueState(client, 'q6');
  assert.deepEqual(resultOf(state).payload, { reason: 'shutdown' });
  assert.deepEqual(Object.keys(state.tasks), [...state.pending]);
});

test('groups without an aggregator are left to others', async (t) => {
  const server = make(t, 'q7');
  const aggregated = next(server, 'aggregated');
  await addToGroup(client, 'unknown', { queue: 'q7', payloads: [1] });
  await addToGroup(client, 'join:x', { queue: 'q7', payloads: [1], idPrefix: 'x-' });
  await server.start();
  await aggregated;
  const { groups, group } = await queueState(client, 'q7');
  assert.deepEqual([groups, Object.keys(group)], [['unknown'], ['unknown']]);
});

test('a group is aggregated in parts of the largest size, as soon as it has it', async (t) => {
  const server = make(t, 'q8', { groupGracePeriod: '3s', groupMaxDelay: '1h', groupMaxSize: 2 });
  assert.deepEqual(server.settings.groups, { graceMs: 3_000, maxDelayMs: 3_600_000, maxSize: 2 });
  const counts: number[] = [];
  server.on('aggregated', ({ count }) => counts.push(count));
  await addToGroup(client, 'join:s', { queue: 'q8', payloads: [1, 2, 3, 4, 5], ageSeconds: 0 });
  await server.start();
  await until(() => counts.length === 3);
  assert.deepEqual(counts, [2, 2, 1]);
});

test('a slow aggregate function holds up no other group and no task', async (t) => {
  const server = make(t, 'q9', {
    handlers: [fixture('aggregators'), fixture('acts')],
    concurrency: 4,
    beforeLease: () => true,
  });
  const slow = next(server, 'aggregated', ({ group }) => group.name === 'act:slow');
  await addToGroup(client, 'act:slow', { queue: 'q9', payloads: [{ ms: 4_000 }] });
  await server.start();
  await until(() => server.snapshot().threadsBusy === 1);
  const quick = next(server, 'aggregated', ({ group }) => group.name === 'join:q');
  const ran = next(server, 'succeeded');
  await addToGroup(client, 'join:q', { queue: 'q9', payloads: [1], idPrefix: 'q-' });
  await fleet.client.enqueue({ type: 'ok' }, { queue: 'q9' });
  const first = await Promise.race([slow, Promise.all([quick, ran]).then(() => 'others')]);
  assert.equal(first, 'others');
  await slow;
});

test('with one thread, tasks and aggregations take turns', async (t) => {
  const { logger, records } = recordingLogger();
  for (let i = 0; i < 4; i += 1) {
    const group = `act:talk:${i}`;
    await addToGroup(client, group, { queue: 'q10', payloads: [1], idPrefix: `${i}-` });
  }
  const server = make(t, 'q10', {
    handlers: [fixture('aggregators'), fixture('acts')],
    concurrency: 1,
    beforeLease: () => true,
    logger,
  });
  const task = { type: 'sleep', payload: { ms: 100 } };
  const requests = Array.from({ length: 40 }, () => ({ task, options: { queue: 'q10' } }));
  await fleet.client.enqueueMany(requests);
  const aggregated = collect(server, 'aggregated', 4);
  await server.start();
  await aggregated;
  const runs = records.flatMap(({ msg }) =>
    msg === 'aggregating' ? ['group'] : msg === 'task started' ? ['task'] : [],
  );
  const between = runs.slice(runs.indexOf('group'), runs.lastIndexOf('group') + 1);
  assert.doesNotMatch(between.join(' '), /group group|task task task/, runs.join(' '));
});

test('an unreadable task of a group is archived, the others are aggregated', async (t) => {
  const server = make(t, 'q11');
  const keys = queueKeys('q11');
  const archived = next(server, 'archived');
  const aggregated = next(server, 'aggregated');
  const dropped = next(server, 'dropped');
  const [bad = '', , gone = ''] = await addToGroup(client, 'join:mixed', {
    queue: 'q11',
    payloads: ['bad', 'good', 'gone'],
  });
  await client.multi().hset(keys.task(bad), 'msg', 'no message').del(keys.task(gone)).exec();
  await server.start();
  assert.equal((await archived).task.id, bad);
  assert.equal((await dropped).taskId, gone);
  assert.equal((await aggregated).count, 1);
  const state = await untilSwept('q11');
  assert.deepEqual((resultOf(state).payload as { texts: unknown }).texts, ['good']);
  assert.deepEqual(Object.keys(state.archived), [bad]);
});

test('without any aggregator no group is touched, but stale sets are given back', async (t) => {
  const keys = queueKeys('q12');
  await addToGroup(client, 'join:left', { queue: 'q12', payloads: [1] });
  await addToGroup(client, 'a:lost', { queue: 'q12', payloads: [1], idPrefix: 'l-' });
  const set = keys.aggregationSet('a:lost', 'some-uuid');
  await client.rename(keys.group('a:lost'), set);
  await client.multi().srem(keys.groups, 'a:lost').zadd(keys.aggregationSets, 1, set).exec();
  const server = make(t, 'q12', { handlers: fixture('acts') });
  const reclaimed = next(server, 'reclaimed');
  await server.start();
  assert.deepEqual(await reclaimed, { group: { queue: 'q12', name: 'a:lost' }, count: 1 });
  const state = await queueState(client, 'q12');
  assert.deepEqual(state.groups, ['a:lost', 'join:left']);
});
