/** Leases that ended while Redis was away say nothing about their owners. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Client } from '../../src/index.ts';
import { fixture } from '../helpers/paths.ts';
import { useRedis } from '../helpers/redis.ts';
import { next, useFleet } from '../helpers/server.ts';

const hanging = await useRedis();
const fleet = await useFleet();
const folder = mkdtempSync(join(tmpdir(), 'threadmill-back-'));
after(() => rmSync(folder, { recursive: true }));

test('a task that ended during an outage longer than its lease is settled, and does not run again', async () => {
  const client = new Client({ redis: hanging.url });
  after(() => client.close());
  const path = join(folder, 'gate');
  const options = {
    redis: hanging.url,
    handlers: fixture('hostile'),
    connectTimeout: '1s',
  } as const;
  const owner = await fleet.start({ ...options, logLevel: 'debug', leaseDuration: '10s' });
  const running = next(owner, 'progress');
  const { id } = await client.enqueue({ type: 'gated', payload: { path } }, { retention: '1h' });
  await running;
  const others = [1, 2].map(() => fleet.make({ ...options, recoverInterval: 100 }));
  const taken: string[] = [];
  for (const other of others) {
    await other.start();
    for (const name of ['retried', 'requeued', 'started'] as const)
      other.on(name, () => taken.push(name));
  }
  const done = next(owner, 'succeeded');
  const down = Promise.all(others.map((other) => next(other, 'redis', ({ isUp }) => !isUp)));
  process.kill(hanging.pid, 'SIGSTOP');
  try {
    await down;
    writeFileSync(path, '');
    // The lease, and what a recoverer leaves beyond it.
    await new Promise((resolve) => {
      setTimeout(resolve, 12_500);
    });
  } finally {
    process.kill(hanging.pid, 'SIGCONT');
  }
  assert.equal((await done).task.id, id);
  assert.deepEqual(taken, []);
  assert.equal((await client.getTask({ id }))?.retried, 0);
});
