import assert from 'node:assert/strict';
import type { EnqueueEntry } from '../../src/broker/broker.ts';
import { queueState, state, withoutPendingSince } from '../helpers/queue-state.ts';
import { until } from '../helpers/server.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import { plainTask } from '../wire/golden.ts';
import { leaseOurs, message, QUEUE, settleOurs, useBroker } from './tasks.ts';

const { broker, client, seed, at } = await useBroker();

test('a task for now is stored pending, with its bytes as they are and pending_since in nanoseconds', async () => {
  await seed({});
  const now = await earlyInSecond(client);
  const bytes = Buffer.from(plainTask.hex, 'hex');
  const replies = await broker.enqueue(QUEUE, [{ taskId: 'A', message: bytes }]);

  const found = await queueState(client, QUEUE);
  const since = String(found.tasks['A']?.['pending_since']);
  assert.deepEqual(
    withoutPendingSince(found),
    state({ pending: ['A'], tasks: { A: { msg: bytes, state: 'pending' } } }),
  );
  assert.match(since, /^\d{16}000$/);
  assert.equal(BigInt(since) / 1_000_000_000n, BigInt(now));
  assert.deepEqual(replies, [{ status: 'pending', at: Number(BigInt(since) / 1_000_000n) }]);
});

test('a task for later is stored scheduled, at a whole second that is not too early', async () => {
  await seed({});
  const now = await earlyInSecond(client);
  const replies = await broker.enqueue(QUEUE, [
    { taskId: 'A', message: message('A'), when: { at: now * 1000 + 60_001 } },
    { taskId: 'B', message: message('B'), when: { at: now * 1000 + 60_000 } },
    { taskId: 'C', message: message('C'), when: { in: 60_000 } },
    { taskId: 'D', message: message('D'), when: { in: 1 } },
  ]);

  assert.deepEqual(
    await queueState(client, QUEUE),
    state({
      scheduled: { A: now + 61, B: now + 60, C: now + 61, D: now + 1 },
      tasks: Object.fromEntries(
        ['A', 'B', 'C', 'D'].map((id) => [id, { msg: message(id), state: 'scheduled' }]),
      ),
    }),
  );
  assert.deepEqual(
    replies,
    [61, 60, 61, 1].map((after) => ({ status: 'scheduled', at: (now + after) * 1000 })),
  );
});

test('a time that is over, or a delay of nothing, means pending', async () => {
  await seed({});
  const replies = await broker.enqueue(QUEUE, [
    { taskId: 'A', message: message('A'), when: { at: Date.now() - 1000 } },
    { taskId: 'B', message: message('B'), when: { in: 0 } },
    { taskId: 'C', message: message('C'), when: { at: -5 } },
  ]);
  assert.deepEqual(
    replies.map(({ status }) => status),
    ['pending', 'pending', 'pending'],
  );
  assert.deepEqual((await queueState(client, QUEUE)).pending, ['C', 'B', 'A']);
});

test('each entry of a batch is answered by itself, and an ID in use is left as it is', async () => {
  const old = { msg: Buffer.from('old'), state: 'archived' };
  await seed({ archived: { A: 5 }, tasks: { A: old } });
  const replies = await broker.enqueue(QUEUE, [
    { taskId: 'A', message: message('A') },
    { taskId: 'B', message: message('B') },
    { taskId: 'B', message: message('B'), when: { in: 5000 } },
  ]);
  assert.deepEqual(
    replies.map(({ status }) => status),
    ['conflict', 'pending', 'conflict'],
  );
  assert.deepEqual(
    withoutPendingSince(await queueState(client, QUEUE)),
    state({
      pending: ['B'],
      archived: { A: 5 },
      tasks: { A: old, B: { msg: message('B'), state: 'pending' } },
    }),
  );
});

test('the queue is registered at every call, also after it was removed', async () => {
  await seed({});
  await broker.enqueue(QUEUE, [{ taskId: 'A', message: message('A') }]);
  await client.del('asynq:queues');
  await broker.enqueue(QUEUE, [{ taskId: 'A', message: message('A') }]);
  assert.deepEqual(await client.smembers('asynq:queues'), ['q']);
});

test('nothing is sent for an empty batch', async () => {
  await seed({});
  assert.deepEqual(await broker.enqueue(QUEUE, []), []);
  assert.deepEqual(await client.keys('*'), []);
});

test('messages and results keep all 256 byte values', async () => {
  await seed({});
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, value) => value));
  await broker.enqueue(QUEUE, [{ taskId: 'A', message: bytes }]);
  const { tasks } = await leaseOurs(broker);
  assert.deepEqual(Buffer.from(tasks[0]?.message ?? []), bytes);
  const whole = { head: bytes, tail: bytes, field: 'none' } as const;
  await settleOurs(broker, [
    {
      kind: 'complete',
      id: 'A',
      uniqueKey: '',
      message: whole,
      retentionSeconds: 9,
      result: bytes,
    },
  ]);
  const stored = await broker.getTask(QUEUE, 'A');
  assert.deepEqual(Buffer.from(stored?.result ?? []), bytes);
  assert.deepEqual(Buffer.from(stored?.message ?? []), Buffer.concat([bytes, bytes]));
});

test('instants far in the future stay whole decimal scores', async () => {
  await seed({});
  const far = 8_640_000_000_000_000; // the last instant of a Date
  await broker.enqueue(QUEUE, [{ taskId: 'A', message: message('A'), when: { at: far } }]);
  assert.equal(await client.zscore('asynq:{q}:scheduled', 'A'), '8640000000000');
});

test('the time offset of tests shifts every instant', async () => {
  await seed({});
  const now = await earlyInSecond(client);
  const entry = { taskId: 'A', message: message('A'), when: { in: 1000 } };
  assert.deepEqual(await at(-1000).enqueue(QUEUE, [entry]), [
    { status: 'scheduled', at: (now - 1000 + 2) * 1000 },
  ]);
});

test('a call that comes again gets its answer, and one that comes after a later one of its slot is refused', async () => {
  await seed({});
  const name = { caller: 'us', slot: 0, withinMs: 2000 };
  const send = (taskId: string, number: number): ReturnType<typeof broker.enqueue> =>
    broker.enqueue(QUEUE, [{ taskId, message: message(taskId) }], { ...name, number });
  const first = await send('A', 1);
  await client.del('asynq:{q}:t:A', 'asynq:{q}:pending'); // it was run
  assert.deepEqual(await send('A', 1), first);
  await send('B', 2);
  await assert.rejects(send('A', 1), /STALE/);
  assert.deepEqual(await client.lrange('asynq:{q}:pending', 0, -1), ['B']);
});

/** Too large to go through the script. */
const LARGE = Buffer.alloc(200_000, 'x');
const large = (taskId: string): EnqueueEntry => ({ taskId, message: LARGE });

test('a large message goes beside the script, and its task looks like any other, however it is enqueued', async () => {
  await seed({ archived: { R: 5 }, tasks: { R: { msg: 'old', state: 'archived', result: 'r' } } });
  const now = await earlyInSecond(client);
  await client.config('RESETSTAT');
  const replies = await broker.enqueue(QUEUE, [
    { taskId: 'A', message: message('A') },
    large('L'),
    { ...large('S'), when: { in: 60_000 } },
    { ...large('G'), group: 'g' },
    { ...large('R'), replaceArchived: true },
    { taskId: 'Z', message: message('Z') },
  ]);
  assert.deepEqual(
    replies.map(({ status }) => status),
    ['pending', 'pending', 'scheduled', 'aggregating', 'pending', 'pending'],
  );
  assert.match(await client.info('commandstats'), /cmdstat_rename:calls=4,/);
  const msg = LARGE;
  assert.deepEqual(
    withoutPendingSince(await queueState(client, QUEUE)),
    state({
      pending: ['Z', 'R', 'L', 'A'],
      scheduled: { S: now + 61 },
      groups: ['g'],
      group: { g: { G: now } },
      tasks: {
        A: { msg: message('A'), state: 'pending' },
        L: { msg, state: 'pending' },
        S: { msg, state: 'scheduled' },
        G: { msg, state: 'aggregating', group: 'g' },
        R: { msg, state: 'pending' },
        Z: { msg: message('Z'), state: 'pending' },
      },
    }),
  );
  for (const id of ['L', 'S', 'G', 'R']) assert.equal(await client.ttl(`asynq:{q}:t:${id}`), -1);
});

test('nothing is left of a large message whose task is refused', async () => {
  await seed({ archived: { A: 5 }, tasks: { A: { msg: 'old', state: 'archived' } } });
  assert.deepEqual(await broker.enqueue(QUEUE, [large('A')]), [
    { status: 'conflict', state: 'archived' },
  ]);
  assert.deepEqual(await client.keys('*threadmill_staged*'), []);
  assert.equal(await client.hget('asynq:{q}:t:A', 'msg'), 'old');
});

test('a large message whose task was refused leaves nothing', async () => {
  await seed({});
  await client.set('asynq:queues', 'no set'); // ends the script at its first command
  await assert.rejects(broker.enqueue(QUEUE, [large('A')]), /WRONGTYPE/);
  await until(async () => (await client.keys('*threadmill_staged*')).length === 0);
});

test('a large message without its task, as a crash in between leaves it, expires', async () => {
  await seed({});
  await client.set('asynq:queues', 'no set');
  await client.call('ACL', 'SETUSER', 'default', '-unlink'); // so that it stays, as after a crash
  await assert.rejects(broker.enqueue(QUEUE, [large('A')]), /WRONGTYPE/);
  await client.call('ACL', 'SETUSER', 'default', '+unlink');
  const [left = ''] = await client.keys('*threadmill_staged*');
  assert.equal(await client.hstrlen(left, 'msg'), LARGE.length);
  const seconds = await client.ttl(left);
  assert.ok(seconds > 500 && seconds <= 600, `${seconds} s`);
  assert.equal(await client.exists('asynq:{q}:t:A'), 0);
});

test('of a batch whose large message Redis refuses, the others are stored and told as such', async () => {
  await seed({});
  const used = Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1]);
  await client.config('SET', 'maxmemory', used + LARGE.length / 2);
  const replies = broker.enqueue(QUEUE, [
    { taskId: 'small', message: message('small') },
    large('A'),
  ]);
  const answered = await replies.then(
    (all) => all.map(({ status }) => status),
    (error: unknown) => String(error),
  );
  await client.config('SET', 'maxmemory', 0);
  const isThere = await Promise.all(['small', 'A'].map((id) => client.exists(`asynq:{q}:t:${id}`)));
  // Where the script itself was refused nothing is stored; else each task is told by itself.
  if (typeof answered === 'string') assert.deepEqual(isThere, [0, 0]);
  else
    assert.deepEqual(
      isThere,
      answered.map((status) => (status === 'pending' ? 1 : 0)),
    );
});
