/** A handler that never yields does not starve its own lease: the main thread, which runs none, extends it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fixture } from '../helpers/paths.ts';
import { next, useFleet } from '../helpers/server.ts';

const fleet = await useFleet();

test('a handler that holds its thread for 90 seconds under a lease of 10 runs once', async () => {
  const options = { handlers: fixture('leases'), leaseDuration: '10s', recoverInterval: 100 };
  const servers = [await fleet.start(options), await fleet.start(options)];
  const happened: string[] = [];
  for (const server of servers) {
    for (const name of ['started', 'retried', 'requeued', 'lost', 'stopping'] as const) {
      server.on(name, () => happened.push(name));
    }
  }
  const done = Promise.race(servers.map((server) => next(server, 'succeeded')));
  const task = { type: 'block', payload: { ms: 90_000 } };
  const { id } = await fleet.client.enqueue(task, { retention: '1h', timeout: '5m' });
  assert.equal((await done).task.id, id);
  assert.deepEqual(happened, ['started']);
  assert.equal((await fleet.client.getTask({ id, queue: 'default' }))?.retried, 0);
});
