/** In a server without supervisor a suspect runs with nothing beside it. */
import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Server } from '../../src/index.ts';
import { SUSPECT_FIELD } from '../../src/wire/task-fields.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { fixture } from '../helpers/paths.ts';
import { collect, next, until, useFleet } from '../helpers/server.ts';

const fleet = await useFleet();
const { client, redis } = fleet;
const folder = mkdtempSync(join(tmpdir(), 'threadmill-alone-'));
after(() => rmSync(folder, { recursive: true }));

/** A task that is leased as a suspect as soon as it is due, in a second. */
async function enqueueSuspect(queue: string, type: string, payload: unknown): Promise<string> {
  const { id } = await client.enqueue({ type, payload }, { queue, processIn: '1s' });
  await redis.client.hset(queueKeys(queue).task(id), SUSPECT_FIELD, '1');
  return id;
}

function gate(name: string): { payload: { path: string }; open(): void } {
  const path = join(folder, name);
  return { payload: { path }, open: () => closeSync(openSync(path, 'w')) };
}

function make(queue: string): Promise<Server> {
  return fleet.start({
    handlers: fixture('hostile'),
    queues: [queue],
    concurrency: 3,
    cancelGrace: 50,
    retryDelay: () => '1h',
  });
}

test('it waits for the others to end, nothing begins beside it, and then the server goes on', async () => {
  const queue = 'alone';
  const server = await make(queue);
  const before = gate('before');
  const during = gate('during');
  const running = next(server, 'progress');
  await client.enqueue({ type: 'gated', payload: before.payload }, { queue });
  await running;
  const suspect = await enqueueSuspect(queue, 'gated', during.payload);
  await until(() => server.snapshot().active === 2);
  const begun: string[] = [];
  server.on('started', ({ task }) => begun.push(task.id));
  const later = await client.enqueue({ type: 'good' }, { queue });
  const done = next(server, 'succeeded');
  const suspectRuns = next(server, 'started');
  before.open();
  await done;
  assert.equal((await suspectRuns).task.id, suspect);
  await until(() => server.snapshot().active === 1);
  assert.deepEqual(begun, [suspect]);
  assert.equal((await client.getTask({ id: later.id, queue }))?.state, 'pending');
  const both = collect(server, 'succeeded', 2);
  during.open();
  assert.deepEqual(
    (await both).map(({ task }) => task.id),
    [suspect, later.id],
  );
});

test('what is leased together with a suspect waits behind it', async () => {
  const queue = 'together';
  const blocked = gate('together');
  const suspect = await client.enqueue({ type: 'gated', payload: blocked.payload }, { queue });
  await redis.client.hset(queueKeys(queue).task(suspect.id), SUSPECT_FIELD, '1');
  const other = await client.enqueue({ type: 'good' }, { queue });
  const begun: string[] = [];
  const server = fleet.make({ handlers: fixture('hostile'), queues: [queue], concurrency: 3 });
  server.on('started', ({ task }) => begun.push(task.id));
  const running = next(server, 'progress');
  await server.start();
  await running;
  assert.deepEqual([server.snapshot().active, begun], [2, [suspect.id]]);
  const both = collect(server, 'succeeded', 2);
  blocked.open();
  assert.deepEqual(
    (await both).map(({ task }) => task.id),
    [suspect.id, other.id],
  );
});

test('a task that is stuck holds nobody up', async () => {
  const queue = 'beside';
  const server = await make(queue);
  const running = next(server, 'progress');
  const sleeps = { type: 'sleep', payload: { seconds: 6 } };
  const { id } = await client.enqueue(sleeps, { queue });
  await running;
  const suspect = await enqueueSuspect(queue, 'good', 'x');
  await until(() => server.snapshot().active === 2);
  const later = await client.enqueue({ type: 'good' }, { queue });
  const both = collect(server, 'succeeded', 2);
  await client.cancel(id);
  assert.deepEqual(
    (await both).map(({ task }) => task.id),
    [suspect, later.id],
  );
  assert.equal(server.snapshot().stuck, 1);
  await next(server, 'failed');
});
