/** Redis is full (`maxmemory` below what it uses) while tasks run. With `FULL_MS` in the environment for as long as it says. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { observe, RedisReplyError, type Server } from '../../src/index.ts';
import { queueKeys, SERVERS, serverKey } from '../../src/wire/keys.ts';
import { fixture } from '../helpers/paths.ts';
import { collect, recordingLogger, until, useFleet } from '../helpers/server.ts';
import { askReadiness, changesOf, tellChanges } from './outages.ts';

/** Longer than a lease: tasks that outlive it prove that it is extended. */
const FULL_MS = Number(process.env['FULL_MS'] ?? 12_000);
const LEASE_MS = 10_000;
const RUNNING = 8;
const WAITING = 4;
const INFO = 30;

const fleet = await useFleet();
const { client, redis } = fleet;
const queue = 'full';
const keys = queueKeys(queue);

/** What was seen while Redis was full. */
interface Seen {
  refusedEnqueues: number;
  looks: number;
}

/** Looks that everything that runs is held, and that the server is shown; tries to enqueue. */
async function look(server: Server, seen: Seen): Promise<void> {
  seen.looks += 1;
  await assert.rejects(
    client.enqueue({ type: 'work', payload: { ms: 1 } }, { queue }),
    (error) => error instanceof RedisReplyError && error.message.includes('OOM'),
  );
  seen.refusedEnqueues += 1;
  const [seconds = 0] = await redis.client.time();
  const leases = await redis.client.zrange(keys.lease, '0', '-1', 'WITHSCORES');
  const scores = leases.filter((_, i) => i % 2 === 1).map(Number);
  assert.ok(
    scores.every((score) => score > seconds),
    `${seconds}: ${leases.join()}`,
  );
  const shownUntil = await redis.client.zscore(SERVERS, serverKey(server.address));
  assert.ok(Number(shownUntil) > seconds, 'the heartbeat has ended');
  assert.equal(await redis.client.exists(serverKey(server.address)), 1);
}

test(`for ${FULL_MS} ms Redis is full: what runs ends with its result, and nothing new begins`, async (t) => {
  const { logger, records } = recordingLogger();
  const server = fleet.make({
    handlers: fixture('outage'),
    queues: { [queue]: 1 },
    concurrency: RUNNING,
    tasksPerThread: RUNNING,
    leaseDuration: LEASE_MS,
    heartbeatInterval: 1_000,
    healthInterval: 500,
    retryDelay: () => 3_600_000,
    logger,
  });
  const http = await observe(server, { port: 0 });
  after(() => http.close());
  await server.start();
  const ended = { succeeded: 0, retried: 0, lost: 0, requeued: 0, stopping: 0, started: 0 };
  for (const name of Object.keys(ended) as (keyof typeof ended)[]) {
    server.on(name, () => {
      ended[name] += 1;
    });
  }
  const begun = collect(server, 'started', RUNNING);
  const tasks = Array.from({ length: RUNNING + WAITING }, (_, i) => ({
    id: `t${i}`,
    // None ends before Redis is full, which would let a waiting one begin; the last half a second before the end.
    ms: i < RUNNING ? 3_000 + ((i + 1) / RUNNING) * (FULL_MS - 3_500) : 1,
    fails: i % 4 === 1,
  }));
  for (const { id, ms, fails } of tasks) {
    const options = { queue, taskId: id, retention: '1h', timeout: '1h' };
    await client.enqueue({ type: 'work', payload: { ms, fails } }, options);
  }
  await begun;
  const readiness = askReadiness(http.url ?? '');
  await until(() => readiness.answers.at(-1)?.status === 200);
  const from = records.length;
  await redis.client.config('SET', 'maxmemory', 1);
  const end = performance.now() + FULL_MS;
  const seen: Seen = { refusedEnqueues: 0, looks: 0 };
  while (performance.now() < end) {
    await look(server, seen);
    await sleep(100);
  }
  await until(() => ended.succeeded + ended.retried === RUNNING);
  assert.deepEqual(ended, {
    succeeded: 6,
    retried: 2,
    lost: 0,
    requeued: 0,
    stopping: 0,
    started: RUNNING,
  });
  for (const { id, fails } of tasks.slice(0, RUNNING)) {
    const { state, result } = await redis.client.hgetall(keys.task(id));
    assert.deepEqual({ id, state, result }, { id, ...resultOf(fails) });
  }
  assert.equal(await redis.client.llen(keys.pending), WAITING);
  const since = records.slice(from);
  const said = since.filter(({ level, msg }) => level >= INFO && !msg.startsWith('task '));
  assert.deepEqual(
    said.map(({ msg }) => msg),
    ['Redis refuses to write'],
  );
  assert.match(String(said[0]?.['refusal']), /^OOM command not allowed/);
  const refusedLeases = since.filter(({ where }) => where === 'lease').length;
  // After 100 ms, then twice as long each time up to 3 s, each half as much again or less at random.
  assert.ok(refusedLeases > 0 && refusedLeases <= 6 + FULL_MS / 1_500, `${refusedLeases} leases`);
  t.diagnostic(JSON.stringify({ ...seen, ...ended, refusedLeases }));
  await redis.client.config('SET', 'maxmemory', 0);
  await until(() => ended.started === RUNNING + WAITING);
  await until(() => readiness.answers.at(-1)?.status === 200);
  await readiness.stop();
  assert.deepEqual(changesOf(readiness.answers), [200, 503, 200], tellChanges(readiness.answers));
  const reasons = readiness.answers.filter(({ status }) => status === 503);
  assert.match(reasons[0]?.problems ?? '', /^Redis refuses to write: OOM/);
});

function resultOf(fails: boolean): { state: string; result: string | undefined } {
  return fails ? { state: 'retry', result: undefined } : { state: 'completed', result: 'worked' };
}
