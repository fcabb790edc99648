import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ActiveTasks } from '../../src/runtime/active-tasks.ts';
import { ServerEmitter } from '../../src/runtime/emitter.ts';
import { logEvents } from '../../src/runtime/log-events.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { next, recordingLogger, useFleet } from '../helpers/server.ts';

const fleet = await useFleet();
const { client, redis } = fleet;

test('a recovered task has no more retries than its handler allows, or one that kills its server would come again', async () => {
  const queue = 'killer';
  const keys = queueKeys(queue);
  const { id } = await client.enqueue({ type: 'bounded' }, { queue, processIn: '1h' });
  await redis.client.zrem(keys.scheduled, id);
  await redis.client.lpush(keys.active, id);
  await redis.client.hset(keys.task(id), 'state', 'active');
  await redis.client.zadd(keys.lease, 1, id);
  const server = fleet.make({ queues: { [queue]: 1 } });
  const archived = next(server, 'archived');
  await server.start();
  assert.equal((await archived).task.id, id);
});

test('a payload that is not JSON is not quoted in logs and stored errors', async () => {
  const queue = 'secret';
  const { logger, records } = recordingLogger();
  const server = await fleet.start({ queues: { [queue]: 1 }, logger });
  const archived = next(server, 'archived');
  const { id } = await client.enqueue({ type: 'picky', payload: 'hunter2' }, { queue });
  await archived;
  const stored = await client.getTask({ id, queue });
  assert.match(stored?.lastError ?? '', /the payload is not JSON/);
  const told = records.filter((record) => record.level >= 30);
  assert.ok(told.length > 0);
  assert.ok(!JSON.stringify([told, stored?.lastError]).includes('hunter2'));
});

test('who waits for a change again and again waits for the same one', async () => {
  const active = new ActiveTasks();
  assert.equal(active.changed(), active.changed());
});

test('faults of ever new places do not fill the memory, and one of an old place is kept quiet', () => {
  const { logger, records } = recordingLogger();
  const emitter = new ServerEmitter();
  logEvents(emitter, logger);
  for (let place = 0; place < 1_000; place += 1) emitter.fault(`thread ${place}`, new Error('x'));
  emitter.fault('thread 999', new Error('x'));
  assert.equal(records.length, 1_000);
  emitter.fault('thread 0', new Error('x')); // forgotten, so told again
  assert.equal(records.length, 1_001);
});
