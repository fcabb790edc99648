import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { createRedisBroker } from '../../src/broker/redis-broker.ts';
import {
  type DiagnoseOptions,
  type Diagnosis,
  diagnose,
  type Finding,
} from '../../src/inspector/doctor/diagnose.ts';
import { QUEUES, queueKeys, serverKey, SERVERS, workersKey, WORKERS } from '../../src/wire/keys.ts';
import { emptyServerInfo } from '../helpers/server-infos.ts';
import { message } from '../broker/tasks.ts';
import { useRedis } from '../helpers/redis.ts';
import { wholeRedis } from '../helpers/whole-redis.ts';
import { DAMAGES, QUEUE } from './damages.ts';

const redis = await useRedis({ args: ['--appendonly', 'yes', '--save', ''] });
const { client } = redis;
const broker = createRedisBroker({ redis: redis.url, connectTimeoutMs: 5_000 });
after(() => broker.close());

const keys = queueKeys(QUEUE);
const now = Math.floor(Date.now() / 1000);

/** A healthy queue with a task in every place, and a server that serves it. */
beforeEach(async () => {
  await client.flushall();
  await client.sadd(QUEUES, QUEUE);
  await task('p1', 'pending');
  await client.lpush(keys.pending, 'p1');
  await task('a1', 'active');
  await client.lpush(keys.active, 'a1');
  await client.zadd(keys.lease, now + 1000, 'a1');
  const scores = {
    scheduled: now + 900,
    retry: now + 800,
    archived: now - 50,
    completed: now + 700,
  };
  for (const [state, score] of Object.entries(scores)) {
    await task(`${state}1`, state);
    await client.zadd(`${keys.prefix}${state}`, score, `${state}1`);
  }
  await task('g1', 'aggregating', { group: 'mail' });
  await client.zadd(keys.group('mail'), now, 'g1');
  await client.sadd(keys.groups, 'mail');
  await task('g2', 'aggregating', { group: 'mail' });
  await client.zadd(keys.aggregationSet('mail', 'set1'), now, 'g2');
  await client.zadd(keys.aggregationSets, now + 100, keys.aggregationSet('mail', 'set1'));
  // Aggregated already, and about to be deleted.
  await task('o1', 'aggregating', { group: 'mail' });
  await client.zadd(keys.closedSets, now, keys.closedSet('set0'));
  await client.zadd(keys.closedSet('set0'), now, 'o1');
  const lock = keys.unique('t', new Uint8Array());
  await task('u1', 'pending', { unique_key: lock });
  await client.lpush(keys.pending, 'u1');
  await client.set(lock, 'u1', 'EX', 1000);
  // As a Go client stores it in a group: the message alone names the lock.
  const inGroup = keys.unique('go', undefined);
  const msg = message('u2', { uniqueKey: inGroup });
  await client.hset(keys.task('u2'), { msg, state: 'aggregating', group: 'mail' });
  await client.zadd(keys.group('mail'), now, 'u2');
  await client.set(inGroup, 'u2', 'EX', 1000);
  await serve('host:1:uuid', [QUEUE]);
});

async function task(id: string, state: string, more: Record<string, string> = {}): Promise<void> {
  await client.hset(keys.task(id), { msg: message(id), state, ...more });
}

async function serve(address: string, queues: readonly string[], clockS = 0): Promise<void> {
  const [seconds] = await client.time();
  const info = emptyServerInfo({ queues: Object.fromEntries(queues.map((name) => [name, 1])) });
  await client.setex(serverKey(address), 100, info);
  for (const [list, key] of [
    [SERVERS, serverKey(address)],
    [WORKERS, workersKey(address)],
  ] as const)
    await client.zadd(list, Number(seconds) + 100 + clockS, key);
}

const look = (options: DiagnoseOptions = {}): Promise<Diagnosis> =>
  diagnose(broker, { apartMs: 1, ...options });

/** What is not well, without the advice. How fast Redis answers is the machine's, and is left out. */
function ills({ findings }: Diagnosis): Partial<Finding>[] {
  return findings
    .filter(({ status, check }) => status !== 'ok' && check !== 'latency')
    .map(({ advice: _advice, text: _text, ...finding }) => finding);
}

test('a healthy queue with a task in every place has no findings, and is not changed by a look or by mending', async () => {
  const before = await wholeRedis(client);
  for (const fix of [false, true]) {
    const diagnosis = await look({ fix });
    assert.deepEqual(ills(diagnosis), []);
    assert.equal(diagnosis.status, 'healthy');
    assert.equal(diagnosis.findings.length, 24);
    assert.deepEqual(await wholeRedis(client), before);
  }
});

for (const { name, check, samples, fixable = true, queue, damage } of DAMAGES) {
  test(`${name} is found${fixable ? ', mended, and nothing else is touched' : ''}`, async () => {
    const healthy = await wholeRedis(client);
    await damage(client);
    const damaged = await wholeRedis(client);
    assert.notDeepEqual(damaged, healthy);
    const facts = { check, count: 1, samples, isFixable: fixable };
    const where = queue === null ? {} : { queue: QUEUE };
    const found = await look();
    assert.deepEqual(ills(found), [{ ...facts, ...where, status: 'problem', mended: 0 }]);
    assert.equal(found.status, 'problem');
    assert.deepEqual(await wholeRedis(client), damaged);
    const fixed = await look({ fix: true });
    if (!fixable) {
      assert.deepEqual(ills(fixed), ills(found));
      assert.deepEqual(await wholeRedis(client), damaged);
      return;
    }
    assert.deepEqual(ills(fixed), [{ ...facts, ...where, status: 'mended', mended: 1 }]);
    assert.equal(fixed.status, 'healthy');
    const mended = await wholeRedis(client);
    // What went from the right list is back at the left end of `active`, which has no order.
    assert.deepEqual(ills(await look()), []);
    if (check !== 'stray-leases' || samples[0] !== 'a1') assert.deepEqual(mended, healthy);
  });
}

test('an active task without lease goes back to its queue, unless a living server says that it runs it', async () => {
  await client.zrem(keys.lease, 'a1');
  const facts = {
    check: 'unleased-tasks',
    queue: QUEUE,
    count: 1,
    samples: ['a1'],
    isFixable: true,
  };
  assert.deepEqual(ills(await look()), [{ ...facts, status: 'problem', mended: 0 }]);
  await client.hset(workersKey('host:1:uuid'), 'a1', 'somebody runs it');
  assert.deepEqual(ills(await look({ fix: true })), [{ ...facts, status: 'problem', mended: 0 }]);
  assert.deepEqual(await client.lrange(keys.active, 0, -1), ['a1']);
  await client.del(workersKey('host:1:uuid'));
  assert.deepEqual(ills(await look({ fix: true })), [{ ...facts, status: 'mended', mended: 1 }]);
  assert.deepEqual(await client.lrange(keys.active, 0, -1), []);
  assert.equal((await client.lrange(keys.pending, 0, -1)).includes('a1'), true);
  assert.equal(await client.hget(keys.task('a1'), 'state'), 'pending');
});

test('entries of dead servers are a warning, and are removed; those of living ones stay', async () => {
  await client.zadd(SERVERS, now - 100, serverKey('dead:1:uuid'));
  await client.zadd(WORKERS, now - 100, workersKey('dead:1:uuid'));
  const facts = { check: 'dead-servers', count: 2, samples: ['dead:1:uuid'], isFixable: true };
  const found = await look();
  assert.deepEqual(ills(found), [{ ...facts, status: 'warning', mended: 0 }]);
  assert.equal(found.status, 'healthy');
  assert.deepEqual(ills(await look({ fix: true })), [{ ...facts, status: 'mended', mended: 2 }]);
  assert.deepEqual(await client.zrange(SERVERS, '0', '-1'), [serverKey('host:1:uuid')]);
});

test('a listed server without entry, and one with a wrong clock, are found', async () => {
  await serve('host:2:uuid', [], 20);
  await client.zadd(SERVERS, now + 1000, serverKey('host:3:uuid'));
  const found = ills(await look());
  assert.deepEqual(
    found.map(({ check, samples }) => [check, samples]),
    [
      ['hidden-servers', ['host:3:uuid']],
      ['server-clocks', ['host:2:uuid']],
    ],
  );
});

test('a queue with tasks and no server is found', async () => {
  await client.del(serverKey('host:1:uuid'));
  await client.zrem(SERVERS, serverKey('host:1:uuid'));
  const [found, ...others] = ills(await look());
  assert.deepEqual(others, []);
  assert.deepEqual([found?.check, found?.queue, found?.count], ['unserved-queues', QUEUE, 7]);
});

test('damage among thousands of tasks is found and mended in steps, from both ends of a list', async () => {
  const ids = Array.from({ length: 2_000 }, (_, i) => `id-${i}`);
  const batch = client.pipeline();
  for (const id of ids) {
    if (!id.endsWith('7')) batch.hset(keys.task(id), { msg: 'm', state: 'pending' });
    batch.lpush(keys.pending, id);
  }
  await batch.exec();
  const fixed = ills(await look({ fix: true }));
  assert.deepEqual(
    fixed.map(({ check, count, mended }) => [check, count, mended]),
    [['ids-without-hash', 200, 200]],
  );
  assert.deepEqual(await client.lrange(keys.pending, 0, -1), [
    ...ids.filter((id) => !id.endsWith('7')).reverse(),
    'u1',
    'p1',
  ]);
});

test('a diagnosis that is stopped says what it has found, and claims nothing of the rest', async () => {
  await client.zadd(keys.archived, now, 'x');
  const stopper = new AbortController();
  const stopped = await look({
    signal: stopper.signal,
    onProgress: ({ step }) => {
      if (step === 'keys') stopper.abort();
    },
  });
  assert.equal(stopped.isStopped, true);
  assert.deepEqual(
    ills(stopped).map(({ check }) => check),
    ['ids-without-hash'],
  );
  assert.equal(
    stopped.findings.some(({ check }) => check === 'leaked-locks'),
    false,
  );
});
