import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createRedisBroker } from '../../src/broker/redis-broker.ts';
import { systemClock } from '../../src/clock.ts';
import { ServerEmitter } from '../../src/runtime/emitter.ts';
import { Recoverer } from '../../src/runtime/recoverer.ts';
import { createRegistry } from '../../src/threads/registry.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { message, QUEUE } from '../broker/tasks.ts';
import { seed } from '../helpers/queue-state.ts';
import { useRedis } from '../helpers/redis.ts';
import { until } from '../helpers/server.ts';

const { client, url } = await useRedis();
const keys = queueKeys(QUEUE);
const broker = createRedisBroker({ redis: url, connectTimeoutMs: 2_000 });
after(() => broker.close());

/** The messages that were in memory at once, and all in all. */
interface Fetched {
  readonly most: number;
  readonly ids: readonly string[];
}

/** Recovers until nothing is in `active` any more, at two looks that are a minute apart for the recoverer. */
async function recoverAll(): Promise<Fetched> {
  const ids: string[] = [];
  let most = 0;
  let aheadMs = 0;
  let looks = 0;
  const emitter = new ServerEmitter();
  const recoverer = new Recoverer({
    broker: {
      ...broker,
      watchQueues: () => undefined, // so that each pass looks
      unleased: async (queue) => {
        looks += 1;
        return await broker.unleased(queue);
      },
      lostTasks: async (queue, runs) => {
        ids.push(...runs.map(({ id }) => id));
        most = Math.max(most, runs.length);
        return await broker.lostTasks(queue, runs);
      },
    },
    queues: [QUEUE],
    intervalMs: 20,
    emitter,
    clock: { ...systemClock, monotonicMs: () => performance.now() + aheadMs },
    registry: createRegistry([]),
    hooks: { isFailure: () => true, retryDelay: () => 60_000 },
  });
  await recoverer.start();
  try {
    await until(() => looks > 0);
    assert.deepEqual([ids, await client.zcard(keys.retry)], [[], 0]);
    aheadMs = 61_000;
    await until(async () => (await client.llen(keys.active)) === 0);
  } finally {
    await recoverer.stop();
  }
  return { most, ids };
}

test('tasks without lease are recovered at the second look, a few messages at a time, large ones as well', async () => {
  const ids = Array.from({ length: 20 }, (_, i) => `task-${String(i).padStart(2, '0')}`);
  const tasks = Object.fromEntries(
    ids.map((id, i) => {
      const payload = Buffer.alloc(i % 5 === 0 ? 300_000 : 10, 1);
      return [id, { msg: message(id, { payload, retry: 25 }), state: 'active' }];
    }),
  );
  await seed(client, QUEUE, { active: ids, tasks });
  const fetched = await recoverAll();
  assert.deepEqual([...fetched.ids].sort(), ids);
  assert.ok(fetched.most <= 8, `${fetched.most} at once`);
  assert.deepEqual((await client.zrange(keys.retry, '0', '-1')).sort(), ids);
  for (const [i, id] of ids.entries()) {
    const length = await client.hstrlen(keys.task(id), 'msg');
    assert.ok(length > (i % 5 === 0 ? 300_000 : 10), `${id}: ${length} bytes`);
  }
});
