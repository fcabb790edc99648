/** Several large messages of one call: fetched by themselves, told as they come, and bounded in all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LeasedTask, LeaseReply } from '../../src/broker/broker.ts';
import { createRedisBroker } from '../../src/broker/redis-broker.ts';
import { ReplyLostError } from '../../src/errors.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { queueState } from '../helpers/queue-state.ts';
import { OWNER, QUEUE, RUN, useBroker } from './tasks.ts';

const { redis, broker, client, seed } = await useBroker();

async function enqueue(sizes: readonly number[]): Promise<void> {
  await seed({});
  for (const [i, size] of sizes.entries()) {
    await broker.enqueue(QUEUE, [{ taskId: `${i}`, message: Buffer.alloc(size, `${i}`) }]);
  }
}

/** Leases up to 20 tasks; also answers what was told before the reply. */
async function lease(
  maxBytes: number,
  from: typeof broker = broker,
): Promise<{ reply: Promise<LeaseReply>; told: LeasedTask[] }> {
  const told: LeasedTask[] = [];
  const call = { queue: QUEUE, max: 20, leaseMs: 30_000, server: OWNER, firstRun: RUN };
  const reply = from.lease({ ...call, maxBytes, onFetched: (task) => told.push(task) });
  await reply.catch(() => undefined);
  return { reply, told };
}

test('a call leases as many as its bytes allow, and each is told before the reply, which has it as well', async () => {
  await enqueue(Array.from({ length: 10 }, () => 1_000_000));
  const { reply, told } = await lease(8_388_608);
  const { tasks, more } = await reply;
  assert.deepEqual(
    tasks.map(({ id, run }) => [id, run]),
    Array.from({ length: 8 }, (_, i) => [`${i}`, RUN + i]),
  );
  assert.equal(more, true);
  assert.deepEqual(new Set(told), new Set(tasks));
  for (const { id, message } of tasks) {
    assert.ok(Buffer.alloc(1_000_000, id).equals(message ?? Buffer.alloc(0)), `message of ${id}`);
  }
});

test('one message is leased however large it is, and the next call brings the others', async () => {
  await enqueue([9_000_000, 200_000, 300_000]);
  const first = await lease(8_388_608);
  assert.deepEqual(
    (await first.reply).tasks.map(({ id }) => id),
    ['0'],
  );
  const second = await lease(8_388_608);
  assert.deepEqual(
    (await second.reply).tasks.map(({ id }) => id),
    ['1', '2'],
  );
});

test('what the reply itself holds stays below 1 MiB, and only large messages are told before it', async () => {
  await enqueue([400_000, ...Array.from({ length: 19 }, () => 60_000)]);
  const { reply, told } = await lease(8_388_608);
  const { tasks, more } = await reply;
  assert.equal(tasks.length, 1 + Math.floor(1_048_576 / 60_000));
  assert.equal(more, true);
  assert.deepEqual(
    told.map(({ id }) => id),
    ['0'],
  );
});

// Rights to a command on some keys only came with Redis 7.
const version = /redis_version:(\d+)/.exec(await client.info('server'))?.[1];
const skip = Number(version) < 7;
test('where one of them cannot be fetched the others are told, and the reply counts as lost', {
  skip,
}, async () => {
  await enqueue([70_000, 3_000_000, 3_000_000]); // the one that fails is through long before the others
  const key = queueKeys(QUEUE).task('0');
  await client.call('ACL', 'SETUSER', 'halfblind', 'on', '>secret', '~*', '+@all', '-hget');
  await client.call('ACL', 'SETUSER', 'halfblind', `(+hget ~${key.slice(0, -1)}[12])`);
  const url = redis.url.replace('//', '//halfblind:secret@');
  const limited = createRedisBroker({ redis: url, connectTimeoutMs: 2_000 });
  try {
    const { reply, told } = await lease(8_388_608, limited);
    await assert.rejects(reply, ReplyLostError);
    assert.deepEqual(told.map(({ id }) => id).toSorted(), ['1', '2']);
    assert.deepEqual((await queueState(client, QUEUE)).active.toSorted(), ['0', '1', '2']);
  } finally {
    await limited.close();
  }
});
