import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createRedisBroker } from '../../src/broker/redis-broker.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { swallowingProxy } from '../helpers/proxy.ts';
import { next, until, useFleet } from '../helpers/server.ts';

const fleet = await useFleet();
const folder = await mkdtemp(join(tmpdir(), 'threadmill-enqueue-'));
after(() => rm(folder, { recursive: true, force: true }));

test('ctx.enqueue whose reply is lost answers the handler, and a task that ran meanwhile is not stored again', async () => {
  const proxy = await swallowingProxy(fleet.redis.socket);
  after(() => proxy.close());
  const queue = 'children';
  const keys = queueKeys(queue);
  const go = join(folder, 'go');
  await fleet.client.enqueue({ type: 'ok' }, { queue }); // loads the script
  await fleet.redis.client.flushall();
  const server = await fleet.start({ redis: { path: proxy.socket }, connectTimeout: 20_000 });
  const ready = next(server, 'progress');
  const payload = { file: go, queue };
  const { id } = await fleet.client.enqueue({ type: 'enqueue-when', payload }, { retention: '1h' });
  await ready;
  const succeeded = next(server, 'succeeded');
  proxy.swallowReplies();
  await writeFile(go, '');
  const { client } = fleet.redis;
  await until(async () => (await client.llen(keys.pending)) === 1);
  const other = createRedisBroker({ redis: fleet.redis.url, connectTimeoutMs: 5_000 });
  const them = { queue, server: 'other' };
  const { tasks } = await other.lease({ ...them, max: 1, leaseMs: 30_000, firstRun: 1 });
  const child = tasks[0]?.id ?? '';
  const settlement = { kind: 'done', id: child, uniqueKey: '' } as const;
  await other.settle({ ...them, settlements: [{ run: 1, settlement }] });
  await other.close();
  proxy.cut();
  assert.equal((await succeeded).task.id, id);
  const { result } = (await fleet.client.getTask({ id })) ?? {};
  assert.equal(Buffer.from(result ?? []).toString(), child);
  assert.equal(await client.exists(keys.pending, keys.task(child)), 0);
});
