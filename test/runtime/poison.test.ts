/** A task that kills its server again and again, each time before that is noted: only its own attempts are spent. */
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
const { client, redis } = await useFleet();
const enqueueBatch = useBatches(client, redis.client);
const LONG_MS = 60_000;
/** As many as are leased together with it. */
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

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** All that Redis says of the tasks, and what is known of the last server: for the message of a test that fails. */
async function describe(batch: Batch, child: ChildProcess): Promise<string> {
  const keys = queueKeys(batch.queue);
  const list = (key: string): Promise<string[]> => redis.client.lrange(key, 0, -1);
  const tasks = [batch.middle, ...batch.behind].map(async (id) => {
    const { msg: _bytes, ...fields } = await redis.client.hgetall(keys.task(id));
    return [
      id,
      { ...fields, retried: (await client.getTask({ queue: batch.queue, id }))?.retried },
    ];
  });
  const facts = {
    servers: children.length,
    last: { pid: child.pid, code: child.exitCode, signal: child.signalCode },
    runs: Object.fromEntries(batch.runs()),
    pending: await list(keys.pending),
    active: await list(keys.active),
    lease: await redis.client.zrange(keys.lease, '0', '-1', 'WITHSCORES'),
    retry: await redis.client.zrange(keys.retry, '0', '-1', 'WITHSCORES'),
    archived: await redis.client.zrange(keys.archived, '0', '-1'),
    completed: await redis.client.zrange(keys.completed, '0', '-1'),
    tasks: Object.fromEntries(await Promise.all(tasks)) as object,
  };
  return JSON.stringify(facts, undefined, 1);
}

test('what never began beside a task that kills its server again and again spends nothing, and has run once', async () => {
  const batch = await enqueueBatch('poison', 'poison', { before: 0, behind: BEHIND });
  const { queue, middle, behind } = batch;
  const keys = queueKeys(queue);
  let child = launch(queue);
  const untilSo = async (check: () => Promise<boolean>, mayEnd = false): Promise<void> => {
    try {
      await until(async () => {
        const wasOver = hasEnded(child); // looked at first: what the server did last was done before it ended
        if (await check()) return true;
        assert.ok(mayEnd || !wasOver, 'the server has ended');
        return false;
      }, LONG_MS);
    } catch (error) {
      throw new Error(`${String(error)}\n${await describe(batch, child)}`, { cause: error });
    }
  };
  const hasSpent = async (): Promise<boolean> => (await redis.client.zcard(keys.retry)) > 0;
  let deaths = 0;
  // The sixth death in a row counts as begun; an earlier one where it was noted, as the machine was slow.
  while (!(await hasSpent())) {
    await untilSo(async () => hasEnded(child), true);
    deaths += 1;
    assert.equal(child.signalCode, 'SIGKILL', await describe(batch, child));
    assert.equal(batch.runs().get(middle), deaths);
    // All run on one thread, so that none began before the first death; nor does any later: a queue that is paused until the
    // next server has brought it back has it in front. Those that begin before it, and are slow as the machine is, have begun
    // beside it, and their attempts are spent with good reason.
    assert.equal(batch.runs().size, 1);
    await redis.client.set(keys.paused, '1');
    child = launch(queue);
    await untilSo(async () => {
      return (await hasSpent()) || (await redis.client.llen(keys.active)) === 0;
    });
    await redis.client.del(keys.paused);
  }
  await untilSo(() => batch.hasEnded(BEHIND));
  assert.deepEqual(await redis.client.zrange(keys.retry, '0', '-1'), [middle]);
  assert.equal(await batch.spent(), 1);
  const infos = await Promise.all(behind.map((id) => client.getTask({ queue, id })));
  assert.deepEqual([...new Set(infos.map((info) => info?.retried))], [0]);
  assert.deepEqual([...new Set(behind.map((id) => batch.runs().get(id)))], [1]);
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
});
