import assert from 'node:assert/strict';
import { test } from 'node:test';
import { queueKeys } from '../../src/wire/keys.ts';
import { next, useFleet } from '../helpers/server.ts';
import { useRedis } from '../helpers/redis.ts';

const durable = await useRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
const fleet = await useFleet();

test('a task that ends while Redis is away is settled when it is back, and the server goes on', async () => {
  const { Client } = await import('../../src/index.ts');
  const client = new Client({ redis: durable.url });
  const server = await fleet.start({ redis: durable.url, concurrency: 1, connectTimeout: 500 });
  const keys = queueKeys('default');
  const started = next(server, 'started');
  const { id } = await client.enqueue(
    { type: 'chatter', payload: { ms: 500 } },
    { retention: '1h' },
  );
  await started;
  const down = next(server, 'redis', ({ isUp }) => !isUp);
  await durable.kill('SIGKILL');
  await down;
  assert.equal(server.snapshot().isRedisUp, false);
  // The handler ends now; its outcome waits.
  await new Promise((resolve) => {
    setTimeout(resolve, 700);
  });
  const done = next(server, 'succeeded');
  const up = next(server, 'redis', ({ isUp }) => isUp);
  await durable.restart();
  await up;
  assert.equal((await done).task.id, id);
  assert.equal(await durable.client.hget(keys.task(id), 'state'), 'completed');
  assert.equal(await durable.client.get(keys.processed), '1');
  const again = next(server, 'succeeded');
  await client.enqueue({ type: 'ok' });
  await again;
  await server.shutdown();
  await client.close();
});
