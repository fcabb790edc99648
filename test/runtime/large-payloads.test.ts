/** Large payloads, of which memory is used again for the next: nobody ever sees another task's bytes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { queueKeys } from '../../src/wire/keys.ts';
import { decodeTaskMessage } from '../../src/wire/task-message.ts';
import { collect, useFleet } from '../helpers/server.ts';

const fleet = await useFleet();
const { client, redis } = fleet;
const COUNT = 24;

/** Bytes that tell which task they are of, all over. */
function bytesOf(task: number): Buffer {
  return Buffer.alloc(300_000 + task, `task ${task}, `);
}

async function enqueueAll(queue: string, type: string): Promise<void> {
  for (let i = 0; i < COUNT; i++) {
    const options = { queue, taskId: `${i}`, retention: '1h', maxRetry: 0 } as const;
    await client.enqueue({ type, payload: bytesOf(i) }, options);
  }
}

async function fieldOf(queue: string, task: number, field: string): Promise<Buffer> {
  return (
    (await redis.client.hgetBuffer(queueKeys(queue).task(`${task}`), field)) ?? Buffer.alloc(0)
  );
}

async function checkMessages(queue: string): Promise<void> {
  for (let i = 0; i < COUNT; i++) {
    const { payload, id } = decodeTaskMessage(await fieldOf(queue, i, 'msg'));
    assert.equal(id, `${i}`);
    assert.ok(bytesOf(i).equals(payload), `payload of task ${i}`);
  }
}

test('each handler gets its own bytes, and what is kept of the tasks is theirs', async () => {
  await enqueueAll('kept', 'echo');
  const server = fleet.make({ queues: ['kept'] });
  const ended = collect(server, 'succeeded', COUNT);
  await server.start();
  await ended;
  for (let i = 0; i < COUNT; i++) {
    assert.ok(bytesOf(i).equals(await fieldOf('kept', i, 'result')), `result of task ${i}`);
  }
  await checkMessages('kept');
  await server.shutdown();
});

test('tasks that fail go to the archive with their own bytes', async () => {
  await enqueueAll('failed', 'fail');
  const server = fleet.make({ queues: ['failed'] });
  const ended = collect(server, 'archived', COUNT);
  await server.start();
  await ended;
  await checkMessages('failed');
  await server.shutdown();
});

test('large messages come over one connection more, however many they are', async () => {
  await enqueueAll('counted', 'echo');
  const server = fleet.make({ queues: ['counted'] });
  const ended = collect(server, 'succeeded', COUNT);
  await server.start();
  await ended;
  const clients = String(await redis.client.client('LIST')).split('\n');
  assert.equal(clients.filter((line) => line.includes(' cmd=hget ')).length, 1);
  await server.shutdown();
});
