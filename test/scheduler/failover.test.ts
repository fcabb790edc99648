/** Several schedulers in processes of their own, of which the leader dies, or freezes and comes back: each tick once. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { queueKeys, SCHEDULERS } from '../../src/wire/keys.ts';
import { endWithParent, useRedis } from '../helpers/redis.ts';
import { until } from '../helpers/server.ts';
import { flaws, makeRunner, pendingTicks } from './runners.ts';

const program = fileURLToPath(new URL('./run-scheduler.js', import.meta.url));
const redis = await useRedis();
const { client } = redis;
const LEAD_MS = 3_000;

interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Ticks that it said it enqueued. */
  readonly enqueued: string[];
}

async function start(entries: object[]): Promise<Running> {
  const args = [program, redis.url, `${LEAD_MS}`, JSON.stringify(entries)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  endWithParent(child);
  after(() => kill(child));
  const enqueued: string[] = [];
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) enqueued.push(line);
  });
  await until(() => enqueued.includes('started'), 30_000);
  return { child, pid: child.pid ?? 0, enqueued };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

const ticksOf = ({ enqueued }: Running): number =>
  enqueued.filter((line) => line.startsWith('enqueued')).length;

test('when the leader is killed another goes on, with the ticks that came due meanwhile', async () => {
  await client.flushall();
  const entries = [{ name: 'tick', spec: '@every 1s', task: { type: 't' } }];
  const leader = await start(entries);
  const others = [await start(entries), await start(entries)];
  await until(() => ticksOf(leader) >= 2, 20_000);
  await kill(leader.child);
  await until(() => others.some((other) => ticksOf(other) >= 6), 30_000);
  assert.equal(await client.zcard(SCHEDULERS), 1); // what the dead one showed is gone with it
  await Promise.all(others.map(({ child }) => kill(child)));
  const ticks = await pendingTicks(client);
  assert.ok(ticks.length >= 8);
  assert.deepEqual(flaws(ticks), []);
  assert.equal(others.filter((other) => ticksOf(other) > 0).length, 1);
});

test('a leader that was frozen while another took over enqueues nothing twice when it goes on', async () => {
  await client.flushall();
  const entries = [{ name: 'tick', spec: '@every 1s', task: { type: 't' } }];
  const leader = await start(entries);
  const other = await start(entries);
  try {
    await until(() => ticksOf(leader) >= 2, 20_000);
    process.kill(leader.pid, 'SIGSTOP');
    await until(() => ticksOf(other) >= 6, 30_000);
    // What has run and is gone could not conflict any more.
    const before = await pendingTicks(client);
    await client.del(queueKeys('default').pending);
    for (const key of await client.keys(`${queueKeys('default').taskPrefix}*`))
      await client.del(key);
    process.kill(leader.pid, 'SIGCONT');
    const count = ticksOf(other);
    await until(() => ticksOf(other) >= count + 4, 20_000);
    const later = await pendingTicks(client);
    assert.deepEqual(flaws([...before, ...later]), []);
  } finally {
    process.kill(leader.pid, 'SIGCONT');
    await Promise.all([leader, other].map(({ child }) => kill(child)));
  }
});

test('many schedulers that start and die all the time leave each tick once', async () => {
  await client.flushall();
  const task = { type: 't' };
  const entries = [
    { name: 'tick', spec: '@every 1s', task },
    { name: 'cron', spec: '*/2 * * * * *', task, options: { queue: 'low' } },
  ];
  const stay = makeRunner(redis.url, { entries }, { leadMs: LEAD_MS }); // so that nothing is missed
  await stay.start();
  const victims = [await start(entries), await start(entries)];
  for (let i = 0; i < 3; i += 1) {
    const victim = victims[i % 2];
    if (victim !== undefined) await kill(victim.child);
    victims[i % 2] = await start(entries);
  }
  await stay.stop(); // gives the lead to one of those that are left
  const length = await client.llen(queueKeys('default').pending);
  await until(async () => (await client.llen(queueKeys('default').pending)) >= length + 3, 20_000);
  await Promise.all(victims.map(({ child }) => kill(child)));
  assert.deepEqual(flaws(await pendingTicks(client)), []);
  assert.deepEqual(flaws(await pendingTicks(client, 'low'), 2), []);
});
