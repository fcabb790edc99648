/** A process that was frozen for longer than its leases begins nothing of what lay ahead in its threads. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { queueKeys } from '../../src/wire/keys.ts';
import { type Batch, useBatches } from '../helpers/batches.ts';
import { fixture } from '../helpers/paths.ts';
import { until, useFleet } from '../helpers/server.ts';

const RUN_SERVER = fileURLToPath(new URL('../helpers/run-server.js', import.meta.url));
const fleet = await useFleet();
const { client, redis } = fleet;
const enqueueBatch = useBatches(client, redis.client);
const handlers = fixture('batches');
const LONG_MS = 60_000;
const children: ChildProcess[] = [];
after(() => children.forEach((child) => child.kill('SIGKILL')));

interface Frozen {
  readonly batch: Batch;
  readonly child: ChildProcess;
}

/** A server of its own that has frozen itself in the middle of a batch; `undefined`: with nothing leased ahead, by chance. */
async function freezeAmid(name: string): Promise<Frozen | undefined> {
  const batch = await enqueueBatch(name, 'freeze', { before: 300, behind: 200 });
  const { queue, behind } = batch;
  const options = JSON.stringify({
    queues: [queue],
    logLevel: 'silent',
    leaseDuration: '10s',
    concurrency: 1, // a second thread may run all that is behind before the first one freezes
  });
  const child = spawn(process.execPath, [RUN_SERVER, redis.url, handlers, options], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  children.push(child);
  await until(() => batch.runs().has(batch.middle), LONG_MS);
  // Leased by it and not begun: all of the queue was, or so many that it froze with some in its hands.
  const ahead = behind.filter((id) => !batch.runs().has(id)).length;
  const isAhead = (await redis.client.zcard(queueKeys(queue).lease)) > 1 && ahead > 0;
  return isAhead ? { batch, child } : undefined;
}

/** On a busy machine a server may have leased little just then. */
async function freezeWithSomeAhead(): Promise<Frozen> {
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    const frozen = await freezeAmid(`frozen-${attempt}`);
    if (frozen !== undefined) return frozen;
  }
  assert.fail('no server froze with anything leased ahead');
}

test('frozen in the middle of a batch for longer than its leases, a process begins nothing that another has run', async () => {
  const { batch, child } = await freezeWithSomeAhead();
  const { queue, behind } = batch;
  const { completed } = queueKeys(queue);
  const other = await fleet.start({
    handlers,
    queues: [queue],
    leaseDuration: '10s',
    recoverInterval: 100,
    retryDelay: () => 0,
  });
  await until(async () => (await redis.client.zcard(completed)) === 501, LONG_MS);
  const exited = once(child, 'exit');
  child.kill('SIGCONT');
  // Behind all that it still does.
  child.kill('SIGTERM');
  await exited;
  const counts = batch.runs();
  assert.deepEqual(
    behind.filter((id) => counts.get(id) !== 1),
    [],
  );
  await other.shutdown();
});
