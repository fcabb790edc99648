import assert from 'node:assert/strict';
import { once, EventEmitter } from 'node:events';
import { after, test } from 'node:test';
import type { QueueWatch } from '../../src/broker/broker.ts';
import { createRedisBroker } from '../../src/broker/redis-broker.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { useRedis } from '../helpers/redis.ts';
import { until } from '../helpers/server.ts';

const redis = await useRedis();
const { client } = redis;
const broker = createRedisBroker({ redis: redis.url, connectTimeoutMs: 10_000 });
after(() => broker.close());
const changes = new EventEmitter();
let count = 0;
const made = broker.watchQueues('lease', (queues) => {
  count += 1;
  changes.emit('change', queues);
});
assert.ok(made !== undefined);
const watch: QueueWatch = made;
const a = queueKeys('a');
const b = queueKeys('b');

/** Arms, acts, and waits for the change to be told; answers of which queues. */
async function told(act: () => Promise<unknown>): Promise<unknown> {
  await watch.arm(['a', 'b']);
  const change = once(changes, 'change');
  await act();
  const [queues] = (await change) as unknown[];
  return queues;
}

test('a push into any of the watched queues is told, also one from inside a script', async () => {
  assert.deepEqual(await told(() => client.lpush(a.pending, 'id')), ['a']);
  await client.del(a.pending);
  const push = "return redis.call('LPUSH', KEYS[1], 'id')";
  assert.deepEqual(await told(() => client.eval(push, 1, b.pending)), ['b']);
  await client.del(b.pending);
});

test('pause and resume are told', async () => {
  await told(() => client.set(a.paused, '1'));
  await told(() => client.del(a.paused));
});

test('arming answers which of the queues have something to lease already', async () => {
  const never = Number.POSITIVE_INFINITY;
  assert.deepEqual(await watch.arm(['a', 'b']), [never, never]);
  await client.lpush(b.pending, 'id');
  assert.deepEqual(await watch.arm(['a', 'b']), [never, 0]);
  await client.set(b.paused, '1');
  assert.deepEqual(await watch.arm(['b', 'a']), [never, never]);
  await client.del(b.pending, b.paused);
});

test('a look for tasks to lease is one command for each queue, whatever it finds', async () => {
  await client.lpush(b.pending, 'id');
  await watch.arm(['a', 'b']); // its connections are there
  const commands = async (): Promise<number> => {
    // Without INFO itself, and the signs of life of the subscribed connection.
    const stats = await client.info('commandstats');
    const calls = stats.matchAll(/^cmdstat_(?!info:|subscribe:)\S+:calls=(\d+)/gm);
    return [...calls].reduce((sum, [, each]) => sum + Number(each), 0);
  };
  const before = await commands();
  await watch.arm(['a', 'b']);
  assert.equal((await commands()) - before, 2);
  await client.del(b.pending);
});

test('fifty pushes after one arming are told once', async () => {
  await watch.arm(['a']);
  const before = count;
  const change = once(changes, 'change');
  for (let push = 0; push < 50; push += 1) await client.lpush(a.pending, `id-${push}`);
  await change;
  // A round trip on the same server: whatever was to be told is here by then.
  await broker.ping();
  assert.equal(count, before + 1);
  await client.del(a.pending);
});

test('a connection that was lost counts as a change, and the next arming works again', async () => {
  for (const type of ['pubsub', 'normal'] as const) {
    await watch.arm(['a']);
    const change = once(changes, 'change');
    await client.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
    await change;
    await until(async () => {
      try {
        await watch.arm(['a']);
        return true;
      } catch {
        return false; // on its way back
      }
    });
    await told(() => client.lpush(a.pending, 'id'));
    await client.del(a.pending);
  }
});
