/** A server in this process, behind a proxy, while Redis goes away in every way and comes back. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, observe, type Server, type ServerOptions } from '../../src/index.ts';
import { CANCEL_CHANNEL, SERVERS, serverKey } from '../../src/wire/keys.ts';
import { givenTimeOf } from '../helpers/given-time.ts';
import { fixture } from '../helpers/paths.ts';
import { swallowingProxy, type SwallowingProxy } from '../helpers/proxy.ts';
import { useRedis } from '../helpers/redis.ts';
import {
  collect,
  type LogRecord,
  next,
  recordingLogger,
  until,
  useFleet,
} from '../helpers/server.ts';
import { askReadiness, changesOf, momentsOf, OUTAGES, tellChanges } from './outages.ts';

const AWAY_MS = 5_000;
/**
 * Connections that a server keeps: commands, cancel requests, and two that watch the queues. Each asks at most ten times
 * in five seconds: after 50 ms, and twice as long each time, up to a second, less a quarter at random.
 */
const maxAttempts = (ms: number): number => 4 * Math.ceil((10 * ms) / AWAY_MS);
/** What a server may need to notice that nothing answers, and to be back, of time that the machine gives it. */
const NOTICE_MS = 3_500;
const BACK_MS = 10_000;
/** A connection that only listens asks each 5 s whether it lives, and waits 5 s for the answer. */
const HEAL_MS = 15_000;
const INFO = 30;

const fleet = await useFleet();
const redis = await useRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
const client = new Client({ redis: redis.url });
after(() => client.close());

interface Subject {
  readonly server: Server;
  readonly proxy: SwallowingProxy;
  readonly url: string;
  readonly queue: string;
  readonly records: LogRecord[];
  /** Texts of what was logged for people, since the server runs. */
  said(): string[];
}

let queues = 0;

async function serve(options: Partial<ServerOptions> = {}): Promise<Subject> {
  const proxy = await swallowingProxy(redis.socket);
  after(() => proxy.close());
  const { logger, records } = recordingLogger();
  queues += 1;
  const queue = `q${queues}`;
  const server = fleet.make({
    redis: proxy.url,
    handlers: fixture('outage'),
    queues: { [queue]: 1 },
    logger,
    healthInterval: 500,
    heartbeatInterval: 1_000,
    leaseDuration: '1m',
    pollInterval: '1m', // so that a new task is found only by whoever is told of it
    ...options,
  });
  const http = await observe(server, { port: 0 });
  after(() => http.close());
  await server.start();
  const begun = records.length;
  const said = (): string[] =>
    records.slice(begun).flatMap(({ level, msg }) => (level >= INFO ? [msg] : []));
  return { server, proxy, url: http.url ?? '', queue, records, said };
}

/** Waits until it is so, and looks that a connection that had to be replaced first was replaced in its time. */
async function heals(isSo: () => Promise<boolean> | boolean): Promise<void> {
  const tookMs = await givenTimeOf(() => until(isSo));
  assert.ok(tookMs < HEAL_MS, `healed after ${tookMs} ms: ${isSo.toString()}`);
}

/** That all of it works: a new task is noticed and runs, a cancel request arrives, the server is shown to the fleet. */
async function assertWorks({ server, queue }: Subject): Promise<void> {
  const { id: first } = await client.enqueue(
    { type: 'work', payload: { ms: 1 } },
    { queue, retention: '1h' },
  );
  await heals(async () => (await client.getTask({ queue, id: first }))?.state === 'completed');
  const { id } = await client.enqueue({ type: 'wait' }, { queue, maxRetry: 0 });
  await heals(async () => (await client.getTask({ queue, id }))?.state === 'active');
  let isCanceled = false;
  void next(server, 'archived', ({ task }) => task.id === id).then(() => {
    isCanceled = true;
  });
  // Only as a message, not as the mark beside the task that extending its lease would show.
  await heals(async () => {
    await redis.client.publish(CANCEL_CHANNEL, id);
    return isCanceled;
  });
  await until(async () => {
    const score = await redis.client.zscore(SERVERS, serverKey(server.address));
    const [seconds = 0] = await redis.client.time();
    return score !== null && Number(score) > seconds;
  });
}

for (const outage of OUTAGES) {
  test(`Redis ${outage.name}: the server says so once, asks seldom, and goes on by itself`, async () => {
    const subject = await serve();
    const { server, proxy, queue, url } = subject;
    await assertWorks(subject);
    const before = subject.said().length;
    const running = next(server, 'started');
    const task = { type: 'work', payload: { ms: 1_000 } };
    const { id } = await client.enqueue(task, { queue, retention: '1h' });
    await running;
    const settled = next(server, 'succeeded', (event) => event.task.id === id);
    const readiness = askReadiness(url);
    await until(() => readiness.answers.length > 0);
    const { attempts } = proxy;
    const beganAt = readiness.now();
    const goneAt = performance.now();
    await outage.begin({ redis, proxy });
    let endedAt = Number.NaN;
    try {
      // How soon it was noticed is looked at below, by a clock that is fair.
      await Promise.all([sleep(AWAY_MS), until(() => subject.said().length > before)]);
      assert.deepEqual(subject.said().slice(before), [outage.said[0]]);
      const asked = proxy.attempts - attempts;
      assert.ok(asked <= maxAttempts(performance.now() - goneAt), `${asked} attempts`);
    } finally {
      endedAt = readiness.now();
      await outage.end({ redis, proxy }); // or the tests after it would fail as well
    }
    await settled;
    await assertWorks(subject);
    await until(() => readiness.answers.at(-1)?.status === 200);
    await readiness.stop();
    assert.deepEqual(changesOf(readiness.answers), [200, 503, 200], tellChanges(readiness.answers));
    const [noticed = Number.NaN] = momentsOf(readiness.answers, 503);
    const back = momentsOf(readiness.answers, 200).find((atMs) => atMs > noticed) ?? Number.NaN;
    assert.ok(noticed - beganAt < NOTICE_MS, `noticed after ${noticed - beganAt} ms`);
    assert.ok(back > endedAt, `ready again ${endedAt - back} ms too soon`);
    assert.ok(back - endedAt < BACK_MS, `ready again after ${back - endedAt} ms`);
    const texts = subject.said().slice(before);
    assert.deepEqual(
      texts.filter((text) => text !== 'stopping task' && !text.startsWith('task ')),
      outage.said,
    );
    const info = await client.getTask({ queue, id });
    assert.equal(info?.state, 'completed');
    assert.equal(info?.retried, 0);
    await server.shutdown();
  });
}

test('connections that died silently are replaced, those that only listen included', async () => {
  const subject = await serve();
  await assertWorks(subject);
  subject.proxy.halfOpen();
  await assertWorks(subject);
  // The first time it was enough that the connection for commands was back, which lets the server look once.
  await assertWorks(subject);
  await until(() => subject.server.snapshot().isRedisUp);
  await subject.server.shutdown();
});

test('scripts that Redis has forgotten are no outage', async () => {
  const subject = await serve();
  const readiness = askReadiness(subject.url);
  for (let i = 0; i < 3; i += 1) {
    await redis.client.script('FLUSH');
    await assertWorks(subject);
  }
  await readiness.stop();
  assert.deepEqual(changesOf(readiness.answers), [200], tellChanges(readiness.answers));
  await subject.server.shutdown();
});

test('a slow network is no outage', async () => {
  const subject = await serve();
  subject.proxy.delay(150);
  const readiness = askReadiness(subject.url);
  const done = collect(subject.server, 'succeeded', 10);
  for (let i = 0; i < 10; i += 1) {
    await client.enqueue({ type: 'work', payload: { ms: 10 } }, { queue: subject.queue });
  }
  await done;
  await assertWorks(subject);
  await readiness.stop();
  assert.deepEqual(changesOf(readiness.answers), [200], tellChanges(readiness.answers));
  assert.ok(!subject.said().some((text) => text.startsWith('Redis')));
  await subject.server.shutdown();
});

test('a server whose address leads to a new master leaves the old one, which is a replica now', async () => {
  const subject = await serve();
  const master = await useRedis();
  subject.proxy.retarget(master.socket);
  await redis.client.replicaof('127.0.0.1', 1);
  const fresh = new Client({ redis: master.url });
  after(() => fresh.close());
  let isDone = false;
  subject.server.on('succeeded', () => {
    isDone = true;
  });
  await fresh.enqueue({ type: 'work', payload: { ms: 1 } }, { queue: subject.queue });
  await heals(() => isDone);
  await until(() => subject.server.snapshot().redisRefusal === undefined);
  await redis.client.replicaof('NO', 'ONE');
  await subject.server.shutdown();
});

test('a server that starts while Redis is full starts, but is not ready', async () => {
  await redis.client.config('SET', 'maxmemory', 1);
  const { server, said } = await serve({ healthInterval: '1h' });
  assert.match(server.snapshot().redisRefusal ?? '', /^OOM/);
  assert.deepEqual(said(), []); // it was said before the line that it has started
  await redis.client.config('SET', 'maxmemory', 0);
  await server.shutdown();
});
