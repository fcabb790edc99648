import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createRedisBroker } from '../../src/broker/redis-broker.ts';
import { Client, InvalidOptionsError } from '../../src/index.ts';
import { CANCEL_CHANNEL, queueKeys } from '../../src/wire/keys.ts';
import { CANCEL_FIELD } from '../../src/wire/task-fields.ts';
import { useRedis } from '../helpers/redis.ts';

const redis = await useRedis();
const keys = queueKeys('default');
const client = new Client({ redis: redis.url });
const broker = createRedisBroker({ redis: redis.url, connectTimeoutMs: 2_000 });
after(() => Promise.all([client.close(), broker.close()]));

/** Cancel requests that were published, each with the mark that was beside the task when the request came. */
async function listenForCancels(): Promise<{ heard: () => Promise<unknown[]> }> {
  const listener = redis.client.duplicate();
  const requests: Promise<[string, string | null]>[] = [];
  listener.on('message', (_channel, id: string) => {
    requests.push(redis.client.hget(keys.task(id), CANCEL_FIELD).then((mark) => [id, mark]));
  });
  await listener.subscribe(CANCEL_CHANNEL);
  return {
    heard: async () => {
      // What was published before has come when this has: one connection, one order.
      await listener.unsubscribe(CANCEL_CHANNEL);
      listener.disconnect();
      return Promise.all(requests);
    },
  };
}

test('cancel marks the running tasks of an ID in all queues, then publishes, and answers how many', async () => {
  for (const queue of ['default', 'low']) {
    await client.enqueue({ type: 't' }, { taskId: 'runs', queue });
    await broker.lease({ queue, max: 1, leaseMs: 30_000, server: 'us', firstRun: 1 });
  }
  await client.enqueue({ type: 't' }, { taskId: 'runs', queue: 'waiting' });
  const { heard } = await listenForCancels();
  assert.equal(await client.cancel('runs'), 2);
  assert.deepEqual(await heard(), [['runs', '1']]);
  assert.equal(await redis.client.hget(queueKeys('low').task('runs'), CANCEL_FIELD), '1');
  assert.equal(await redis.client.hget(queueKeys('waiting').task('runs'), CANCEL_FIELD), null);
});

test('cancel answers 0 for a task that is not running, leaves it alone, and publishes all the same', async () => {
  await client.enqueue({ type: 't' }, { taskId: 'pending' });
  await client.enqueue({ type: 't' }, { taskId: 'scheduled', processIn: '1h' });
  const hashes = (): Promise<unknown[]> =>
    Promise.all(['pending', 'scheduled'].map((id) => redis.client.hgetall(keys.task(id))));
  const before = await hashes();
  const { heard } = await listenForCancels();
  for (const id of ['pending', 'scheduled', 'never']) assert.equal(await client.cancel(id), 0);
  assert.deepEqual(await hashes(), before);
  assert.deepEqual(await heard(), [
    ['pending', null],
    ['scheduled', null],
    ['never', null],
  ]);
});

test('cancel refuses what is no task ID, and publishes nothing', async () => {
  const { heard } = await listenForCancels();
  for (const id of ['', ' ', '\ud800', 7, undefined, null]) {
    await assert.rejects(client.cancel(id as string), (error) => {
      assert.ok(error instanceof InvalidOptionsError);
      assert.deepEqual(
        error.issues.map((issue) => [issue.name, issue.value]),
        [['taskId', id]],
      );
      return true;
    });
  }
  assert.deepEqual(await heard(), []);
});
