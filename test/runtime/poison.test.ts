/** A task that kills its server again and again, each time before that is noted: only its own attempts are spent. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { queueKeys } from '../../src/wire/keys.ts';
import { useBatches } from '../helpers/batches.ts';
import { fixture } from '../helpers/paths.ts';
import { until, useFleet } from '../helpers/server.ts';

const RUN_SERVER = fileURLToPath(new URL('../helpers/run-server.js', import.meta.url));
const { client, redis } = await useFleet();
const enqueueBatch = useBatches(client, redis.client);
const LONG_MS = 60_000;
/** As many as are leased together with it: others would be leased first while these are recovered. */
const BEHIND = 3;
const children: ChildProcess[] = [];
after(() => children.forEach((child) => child.kill('SIGKILL')));

function launch(queue: string): ChildProcess {
  const options = { queues: [queue], concurrency: 4, tasksPerThread: 4, recoverInterval: 100 };
  const args = [RUN_SERVER, redis.url, fixture('batches')];
  const child = spawn(
    process.execPath,
    [...args, JSON.stringify({ ...options, logLevel: 'silent' })],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  children.push(child);
  return child;
}

test('what never began beside a task that kills its server again and again spends nothing, and has run once', async () => {
  const batch = await enqueueBatch('poison', 'poison', { before: 0, behind: BEHIND });
  const { queue, middle, behind } = batch;
  const keys = queueKeys(queue);
  const hasSpent = async (): Promise<boolean> => (await redis.client.zcard(keys.retry)) > 0;
  let child = launch(queue);
  let deaths = 0;
  // The sixth death in a row counts as begun; an earlier one where it was noted, as the machine was slow.
  while (!(await hasSpent())) {
    await until(async () => child.signalCode !== null || (await hasSpent()), LONG_MS);
    if (child.signalCode === null) break;
    deaths += 1;
    assert.equal(batch.runs().get(middle), deaths);
    // All run on one thread, so that none began before the first death.
    if (deaths === 1) assert.equal(batch.runs().size, 1);
    child = launch(queue);
  }
  await until(() => batch.hasEnded(BEHIND), LONG_MS);
  assert.deepEqual(await redis.client.zrange(keys.retry, '0', '-1'), [middle]);
  assert.equal(await batch.spent(), 1);
  const infos = await Promise.all(behind.map((id) => client.getTask({ queue, id })));
  assert.deepEqual([...new Set(infos.map((info) => info?.retried))], [0]);
  assert.deepEqual([...new Set(behind.map((id) => batch.runs().get(id)))], [1]);
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
});
