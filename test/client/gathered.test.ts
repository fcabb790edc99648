/** Calls of one turn of the loop: they share a script, and nothing else. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, EnqueueUncertainError, type TaskInfo } from '../../src/index.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { swallowingProxy } from '../helpers/proxy.ts';
import { useRedis } from '../helpers/redis.ts';
import { until } from '../helpers/server.ts';

const redis = await useRedis();
const keys = queueKeys('default');
const task = { type: 't', payload: { a: 1 } };

/** A client that is connected and whose script Redis knows, and an empty Redis. */
async function useClient(path = redis.socket, connectTimeout = 20_000): Promise<Client> {
  const client = new Client({ redis: { path }, connectTimeout, maxPayloadSize: 2_000_000 });
  after(() => client.close());
  await client.enqueue(task);
  await redis.client.flushall();
  await redis.client.config('RESETSTAT');
  return client;
}

/** Commands that Redis has carried out since `useClient`, those inside scripts included. */
async function calls(command: string): Promise<number> {
  const stats = await redis.client.info('commandstats');
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
}

test('calls of one turn reach Redis as one script per queue, and keep their order', async () => {
  const client = await useClient();
  const infos = await Promise.all(
    Array.from({ length: 300 }, (_, index) =>
      client.enqueue(task, { queue: index % 3 === 0 ? 'other' : 'default' }),
    ),
  );
  assert.equal(await calls('evalsha'), 2);
  assert.equal(await calls('eval'), 0);
  assert.equal(await calls('lpush'), 2); // one for all tasks that became pending
  for (const queue of ['default', 'other']) {
    const ids = infos.filter((info) => info.queue === queue).map((info) => info.id);
    assert.deepEqual(await redis.client.lrange(queueKeys(queue).pending, 0, -1), ids.toReversed());
  }
});

test('a queue is registered by the script that stores its tasks, at every call', async () => {
  const client = await useClient();
  await client.enqueue(task);
  await redis.client.del('asynq:queues');
  await client.enqueue(task);
  assert.deepEqual(await redis.client.smembers('asynq:queues'), ['default']);
  assert.equal(await calls('evalsha'), 2);
});

test('each of the calls of one turn gets its own answer, whatever becomes of the others', async () => {
  const client = await useClient();
  await redis.client.set(keys.group('broken'), 'no sorted set');
  const results = await Promise.allSettled([
    client.enqueue(task, { taskId: 'first' }),
    client.enqueue(task, { taskId: 'first' }),
    client.enqueue(task, { taskId: 'locked', uniqueFor: '1m' }),
    client.enqueue(task, { uniqueFor: '1m' }),
    client.enqueue(task, { timeout: 'soon' }),
    client.enqueue({ type: 't', payload: Buffer.alloc(2_000_001) }),
    client.enqueue({ type: 't', payload: 1n }),
    client.enqueue(task, { taskId: 'astray', group: 'broken', uniqueFor: '2m' }),
    client.enqueue(task, { taskId: 'later', processIn: '1h' }),
    client.enqueue(task, { taskId: 'grouped', group: 'g' }),
    client.enqueue(task, { taskId: 'last' }),
  ]);
  assert.deepEqual(
    results.map((each) =>
      each.status === 'fulfilled' ? each.value.state : Reflect.get(each.reason, 'code'),
    ),
    [
      'pending',
      'ERR_TASK_ID_CONFLICT',
      'pending',
      'ERR_DUPLICATE_TASK',
      'ERR_INVALID_OPTIONS',
      'ERR_PAYLOAD_TOO_LARGE',
      'ERR_NOT_SERIALIZABLE',
      'ERR_DUPLICATE_TASK',
      'scheduled',
      'aggregating',
      'pending',
    ],
  );
  assert.equal(await calls('evalsha'), 1);
  assert.deepEqual(await redis.client.lrange(keys.pending, 0, -1), ['last', 'locked', 'first']);
});

test('a task that Redis refuses for itself is refused alone, and nothing is left of it', async () => {
  const client = await useClient();
  await redis.client.set(keys.group('broken'), 'no sorted set');
  const [before, refused, behind] = await Promise.allSettled([
    client.enqueue(task, { taskId: 'before' }),
    client.enqueue(task, { taskId: 'astray', group: 'broken', uniqueFor: '1m' }),
    client.enqueue(task, { taskId: 'behind' }),
  ]);
  assert.deepEqual([before.status, behind.status], ['fulfilled', 'fulfilled']);
  assert.ok(refused.status === 'rejected');
  assert.equal(Reflect.get(refused.reason, 'code'), 'ERR_REDIS_REPLY');
  assert.match(String(refused.reason), /WRONGTYPE/);
  assert.equal(await redis.client.exists(keys.task('astray')), 0);
  assert.deepEqual(await redis.client.keys('*unique*'), []);
  assert.deepEqual(await redis.client.lrange(keys.pending, 0, -1), ['behind', 'before']);
});

test('a batch has at most 500 tasks and about a mebibyte', async () => {
  const client = await useClient();
  await Promise.all(Array.from({ length: 1_001 }, () => client.enqueue(task)));
  assert.equal(await calls('evalsha'), 3);
  await redis.client.config('RESETSTAT');
  const large = { type: 't', payload: Buffer.alloc(400_000) };
  const requests = Array.from({ length: 5 }, () => ({ task: large }));
  await Promise.all([client.enqueueMany(requests), client.enqueue(large)]);
  assert.equal(await calls('evalsha'), 3);
});

test('calls of one turn and those of enqueueMany keep their order among each other', async () => {
  const client = await useClient();
  const one = (taskId: string): Promise<unknown> => client.enqueue(task, { taskId });
  const many = ['b', 'c'].map((taskId) => ({ task, options: { taskId } }));
  await Promise.all([one('a'), client.enqueueMany(many), one('d')]);
  assert.equal(await calls('evalsha'), 1);
  assert.deepEqual(await redis.client.lrange(keys.pending, 0, -1), ['d', 'c', 'b', 'a']);
});

test('calls of one turn whose reply is lost get the answers that were lost, and double nothing', async () => {
  const proxy = await swallowingProxy(redis.socket);
  after(() => proxy.close());
  const client = await useClient(proxy.socket);
  await redis.client.hset(keys.task('taken'), 'state', 'archived');
  proxy.swallowReplies();
  const replies = Promise.allSettled([
    ...Array.from({ length: 40 }, () => client.enqueue(task)),
    client.enqueue(task, { taskId: 'taken' }),
    client.enqueue(task, { uniqueFor: '1h' }),
    client.enqueue(task, { uniqueFor: '1h' }),
  ]);
  await until(async () => (await redis.client.llen(keys.pending)) === 41);
  // A server has run all of them meanwhile.
  const ids = await redis.client.lrange(keys.pending, 0, -1);
  await redis.client.del(keys.pending, keys.task('taken'), ...ids.map((id) => keys.task(id)));
  proxy.cut();
  const results = await replies;
  const infos = results.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  assert.deepEqual(infos.map(({ id }: TaskInfo) => id).toReversed(), ids);
  assert.deepEqual(
    results.flatMap((each) => (each.status === 'rejected' ? [each.reason.code] : [])),
    ['ERR_TASK_ID_CONFLICT', 'ERR_DUPLICATE_TASK'],
  );
  assert.equal(await redis.client.exists(keys.pending), 0);
});

test('close() in the turn of a call sends it and answers it; a call behind it is refused', async () => {
  const client = await useClient();
  const many = client.enqueueMany([{ task }, { task }]);
  const one = client.enqueue(task);
  const closed = client.close();
  await assert.rejects(client.enqueue(task), { code: 'ERR_CLIENT_CLOSED' });
  await closed;
  const { id } = await one;
  assert.equal(await redis.client.lindex(keys.pending, 0), id);
  assert.ok((await many).every((result) => result.ok));
});

test('with a Redis that hangs each call has its whole time, also behind others', async () => {
  const proxy = await swallowingProxy(redis.socket);
  after(() => proxy.close());
  const client = await useClient(proxy.socket, 400);
  proxy.swallowAll();
  const timed = async (): Promise<number> => {
    const begin = performance.now();
    await assert.rejects(client.enqueue(task), EnqueueUncertainError);
    return performance.now() - begin;
  };
  const first = [timed(), timed()];
  await pause(200); // half of their time
  const second = [timed(), timed()];
  for (const tookMs of await Promise.all([...first, ...second])) {
    assert.ok(tookMs > 390, `${tookMs} ms`);
  }
});
