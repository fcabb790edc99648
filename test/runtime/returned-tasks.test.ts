/** Tasks that came back from a server which died are leased one by one, and what has ended is written before the next. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { queueKeys } from '../../src/wire/keys.ts';
import { until, useFleet } from '../helpers/server.ts';

const fleet = await useFleet();
const { client, redis } = fleet;
const COUNT = 200;
/** Longer than this no task holds up the others, for which a thread of a busy machine may need so long to come to it. */
const LONGEST_HOLD_MS = 1_000;

/** Enqueues short tasks that look as if the server that had leased them had died before they began. */
async function enqueueReturned(queue: string, count: number): Promise<void> {
  const ids = Array.from({ length: count }, (_, index) => `${queue}-${index}`);
  const requests = ids.map((taskId) => ({ task: { type: 'ok' }, options: { queue, taskId } }));
  assert.ok((await client.enqueueMany(requests)).every(({ ok }) => ok));
  for (const id of ids) await redis.client.hset(queueKeys(queue).task(id), 'threadmill_returns', 1);
}

/**
 * Looks at what Redis executes, in its order. Answers which tasks are written, and which were leased while one that had been
 * leased before was neither written nor noted as begun.
 */
async function watchLeases(queue: string): Promise<{ written: Set<string>; early: string[] }> {
  const prefix = queueKeys(queue).taskPrefix;
  const monitor = await redis.client.monitor();
  const [open, written, early] = [new Map<string, number>(), new Set<string>(), [] as string[]];
  monitor.on('monitor', (time: string, [name = '', ...words]: string[]) => {
    const now = Number(time) * 1_000;
    const tasks = words.filter((word) => word.startsWith(prefix));
    if (name.toUpperCase() === 'DEL') for (const task of tasks) written.add(task);
    if (name.toUpperCase() === 'DEL' || words.includes('threadmill_begun')) {
      for (const task of tasks) open.delete(task);
    } else if (name.toUpperCase() === 'HSET' && words.includes('active')) {
      if ([...open.values()].some((leasedAt) => now - leasedAt < LONGEST_HOLD_MS)) {
        early.push(...tasks);
      }
      for (const task of tasks) open.set(task, now);
    }
  });
  after(() => monitor.disconnect());
  return { written, early };
}

test('a returned task is leased when the one before it is written or known to have begun, however soon they end', async () => {
  const queue = 'quick';
  await enqueueReturned(queue, COUNT);
  const { written, early } = await watchLeases(queue);
  const server = await fleet.start({ queues: [queue], concurrency: 4 });
  await until(() => written.size === COUNT);
  assert.deepEqual(early, []);
  await server.shutdown();
});
