import assert from 'node:assert/strict';
import type { EndedAttempt, ExtendedRun, Settlement } from '../../src/broker/broker.ts';
import type { TaskRecords } from '../../src/task-records.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import {
  ATTEMPTS_FIELD,
  LEASE_FIELD,
  LOG_FIELD,
  PROGRESS_FIELD,
  RUN_MS_FIELD,
  STARTED_FIELD,
} from '../../src/wire/task-fields.ts';
import { decodeRecords } from '../../src/wire/task-records.ts';
import { queueState, type TaskFields } from '../helpers/queue-state.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import { bytesOf, everyKind, failed, goTakesOver } from './owner-tasks.ts';
import { held, leaseOurs, message, OWNER, QUEUE, RUN, useBroker } from './tasks.ts';

const { at, broker, client, seed } = await useBroker();
const keys = queueKeys(QUEUE);
const SERVER = 'host:1:uuid';
const OURS: readonly string[] = [
  ATTEMPTS_FIELD,
  LOG_FIELD,
  PROGRESS_FIELD,
  RUN_MS_FIELD,
  STARTED_FIELD,
];
const boom = { error: 'boom', server: SERVER, thread: 2, runMs: 40 };
const ended: EndedAttempt = { outcome: 'retry', ...boom };
const retry: Settlement = { kind: 'retry', id: 'A', message: failed, delayMs: 0, counts: true };

/** Task A, active and leased for us. */
async function seedActive(fields: TaskFields = {}): Promise<number> {
  const now = await earlyInSecond(client);
  await seed(held(['A'], { leaseAt: now + 30, fields }));
  return now;
}

function settle(settlement: Settlement, attempt?: EndedAttempt): Promise<string[]> {
  const settlements = [{ run: RUN, settlement, ...(attempt && { attempt }) }];
  return broker.settle({ queue: QUEUE, server: OWNER, settlements });
}

function extend(run: Partial<ExtendedRun>): ReturnType<typeof broker.extend> {
  const tasks = [{ id: 'A', run: RUN, hasBegun: true, ...run }];
  return broker.extend({ queue: QUEUE, leaseMs: 30_000, server: OWNER, tasks });
}

async function records(): Promise<TaskRecords> {
  return decodeRecords((await broker.getTask(QUEUE, 'A'))?.records ?? {});
}

async function ownFields(): Promise<Record<string, string>> {
  const fields = await client.hgetall(keys.task('A'));
  return Object.fromEntries(Object.entries(fields).filter(([name]) => OURS.includes(name)));
}

/** Milliseconds of Redis's clock. */
async function nowMs(): Promise<number> {
  const [seconds = 0, micros = 0] = (await client.time()).map(Number);
  return seconds * 1_000 + micros / 1_000;
}

for (const settlement of everyKind) {
  test(`${settlement.kind} adds its attempt to the history, by Redis's clock, and what was reported`, async () => {
    await seedActive();
    const before = await nowMs();
    const report = { progress: '7', log: '[[1,"info","x"]]' };
    assert.deepEqual(await settle(settlement, { ...ended, report }), ['settled']);
    if (settlement.kind === 'done') {
      assert.equal(await client.exists(keys.task('A')), 0);
      return;
    }
    const found = await records();
    const [attempt] = found.attempts;
    assert.ok(attempt !== undefined && found.attempts.length === 1);
    const { startedAt, endedAt, ...rest } = attempt;
    const { runMs: durationMs, ...facts } = ended;
    assert.deepEqual(rest, { ...facts, durationMs });
    assert.ok(endedAt.getTime() >= before - 1 && endedAt.getTime() <= (await nowMs()) + 1);
    assert.equal(endedAt.getTime() - startedAt.getTime(), 40);
    assert.deepEqual([found.progress, found.logs.length], [7, 1]);
    assert.equal(found.runMs, settlement.kind === 'complete' ? 40 : undefined);
  });

  test(`${settlement.kind} without an attempt leaves no field of the history`, async () => {
    await seedActive();
    assert.deepEqual(await settle(settlement), ['settled']);
    assert.deepEqual(await ownFields(), {});
  });
}

test('several ends in one call keep apart, with and without an attempt', async () => {
  const now = await earlyInSecond(client);
  await seed(held(['A', 'B', 'C', 'D'], { leaseAt: now + 30 }));
  const requeue = (id: string): Settlement => ({ kind: 'requeue', id });
  const settlements = [
    { run: RUN, settlement: requeue('A'), attempt: { ...ended, error: 'of A' } },
    { run: RUN, settlement: requeue('B') },
    { run: RUN + 1, settlement: requeue('C'), attempt: ended },
    { run: RUN, settlement: requeue('D'), attempt: { ...ended, error: 'of D' } },
  ];
  const replies = await broker.settle({ queue: QUEUE, server: OWNER, settlements });
  assert.deepEqual(replies, ['settled', 'settled', 'lost', 'settled']);
  const errors = await Promise.all(
    ['A', 'B', 'C', 'D'].map(async (id) => {
      const stored = await broker.getTask(QUEUE, id);
      return decodeRecords(stored?.records ?? {}).attempts.map(({ error }) => error);
    }),
  );
  assert.deepEqual(errors, [['of A'], [], [], ['of D']]);
});

test('the end of an attempt that was told late is that much earlier', async () => {
  await seedActive();
  await settle(retry, { ...ended, agoMs: 5_000 });
  const [attempt] = (await records()).attempts;
  const late = (await nowMs()) - (attempt?.endedAt.getTime() ?? 0);
  assert.ok(late >= 4_999 && late < 7_000, `${late}`);
});

test('the history holds the last ten attempts, in order and in a few kilobytes', async () => {
  await seed({});
  for (let turn = 1; turn <= 12; turn += 1) {
    const history = await client.hget(keys.task('A'), ATTEMPTS_FIELD);
    await seedActive(history === null ? {} : { [ATTEMPTS_FIELD]: history });
    await settle(retry, { ...ended, error: `${turn} ${'x'.repeat(5_000)}` });
  }
  const { attempts } = await records();
  assert.deepEqual(
    attempts.map(({ error }) => Number.parseInt(error ?? '', 10)),
    [3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
  );
  const stored = (await client.hget(keys.task('A'), ATTEMPTS_FIELD)) ?? '';
  assert.equal(stored.split('\n').length, 10);
  assert.ok(stored.length < 12_000);
});

test('a history that somebody else blew up begins anew', async () => {
  await seedActive({ [ATTEMPTS_FIELD]: 'x'.repeat(100_000) });
  await settle(retry, ended);
  assert.ok((await client.hstrlen(keys.task('A'), ATTEMPTS_FIELD)) < 200);
  assert.equal((await records()).attempts.length, 1);
});

test('a task whose archive entry is trimmed at once leaves nothing behind', async () => {
  const now = await earlyInSecond(client);
  const archived = Object.fromEntries(
    Array.from({ length: 9_999 }, (_, index) => [`old${index}`, now + 1_000 + index]),
  );
  await seed({ ...held(['A'], { leaseAt: now + 30 }), archived });
  assert.deepEqual(await settle({ kind: 'archive', id: 'A', message: failed }, ended), ['settled']);
  assert.equal(await client.exists(keys.task('A')), 0);
});

test('an extension notes since when and where a run goes on, and what it reports, and unsays nothing', async () => {
  await seedActive();
  const before = await nowMs();
  await extend({ start: { agoMs: 2_000, server: SERVER, thread: 4 }, report: { progress: '1' } });
  const [started, ...place] = (await ownFields())[STARTED_FIELD]?.split(' ') ?? [];
  assert.deepEqual(place, ['4', SERVER]);
  assert.ok(Math.abs(Number(started) - (before - 2_000)) < 1_000);
  await extend({ report: { log: '[[1,"info","x"]]' } });
  await extend({});
  const found = await ownFields();
  assert.deepEqual(Object.keys(found).sort(), [LOG_FIELD, PROGRESS_FIELD, STARTED_FIELD].sort());
  assert.deepEqual([found[STARTED_FIELD], found[PROGRESS_FIELD]], [`${started} 4 ${SERVER}`, '1']);
});

test('an extension of several runs gives each its own report', async () => {
  const now = await earlyInSecond(client);
  await seed(held(['A', 'B', 'C'], { leaseAt: now + 30 }));
  const tasks = ['A', 'B', 'C'].map((id) => ({ id, run: RUN, hasBegun: true }));
  await broker.extend({
    queue: QUEUE,
    leaseMs: 30_000,
    server: OWNER,
    tasks: tasks.map((task) =>
      task.id === 'B' ? task : { ...task, report: { progress: `"${task.id}"` } },
    ),
  });
  const found = await Promise.all(
    tasks.map(({ id }) => client.hget(keys.task(id), PROGRESS_FIELD)),
  );
  assert.deepEqual(found, ['"A"', null, '"C"']);
});

for (const way of ['settleExpired', 'settleUnleased'] as const) {
  test(`${way} takes start, thread and server from what was noted when the attempt began`, async () => {
    const now = await seedActive({ [STARTED_FIELD]: '' });
    const started = now * 1_000 - 7_000;
    await client.hset(keys.task('A'), STARTED_FIELD, `${started} 4 ${SERVER}`, PROGRESS_FIELD, '3');
    const token = (await client.hget(keys.task('A'), LEASE_FIELD)) ?? undefined;
    if (way === 'settleUnleased') await client.zrem(keys.lease, 'A');
    const attempt: EndedAttempt = { outcome: 'retry', error: 'expired', server: '?:?:uuid' };
    const later = way === 'settleExpired' ? 40 : 0;
    const recovery = { token, settlement: retry, attempt };
    assert.deepEqual(await at(later)[way](QUEUE, [recovery]), ['settled']);
    const found = await records();
    assert.deepEqual(
      found.attempts.map(({ startedAt, error, server, thread }) => [
        +startedAt,
        error,
        server,
        thread,
      ]),
      [[started, 'expired', SERVER, 4]],
    );
    const { durationMs = 0 } = found.attempts[0] ?? {};
    assert.ok(durationMs >= 7_000 + later * 1_000 && durationMs < 12_000 + later * 1_000);
    assert.equal(found.progress, 3, 'the last that was heard of it');
    assert.equal((await ownFields())[STARTED_FIELD], undefined);
  });
}

test('without a note a lost attempt ends as it began, at the server its token names', async () => {
  for (const note of [undefined, 'junk', `x 4 ${SERVER}`]) {
    await seedActive(note === undefined ? {} : { [STARTED_FIELD]: note });
    await settle(retry, { outcome: 'retry', error: 'gone', server: '?:9:uuid' });
    const [attempt] = (await records()).attempts;
    assert.deepEqual(
      [attempt?.durationMs, attempt?.server, attempt?.thread],
      [0, '?:9:uuid', undefined],
    );
  }
});

test('the next attempt begins without what the last one reported, and with its history', async () => {
  await seedActive();
  await extend({ start: { agoMs: 0, server: SERVER }, report: { progress: '1', log: '[]' } });
  await settle(
    { kind: 'complete', id: 'A', uniqueKey: '', message: failed, retentionSeconds: 60 },
    {
      ...ended,
      outcome: 'ok',
    },
  );
  const kept = [ATTEMPTS_FIELD, LOG_FIELD, PROGRESS_FIELD, RUN_MS_FIELD].sort();
  assert.deepEqual(Object.keys(await ownFields()).sort(), kept);
  await client.zrem(keys.completed, 'A');
  await client.hset(keys.task('A'), 'state', 'pending');
  await client.lpush(keys.pending, 'A');
  await leaseOurs(broker);
  assert.deepEqual(Object.keys(await ownFields()), [ATTEMPTS_FIELD]);
});

test('a task that waits and never ran has none of these fields', async () => {
  await seed({});
  await broker.enqueue(QUEUE, [{ taskId: 'A', message: message('A') }]);
  await leaseOurs(broker);
  await settle({ kind: 'requeue', id: 'A' });
  assert.deepEqual(Object.keys(await client.hgetall(keys.task('A'))).sort(), [
    'msg',
    'pending_since',
    'state',
  ]);
});

const start = { agoMs: 0, server: SERVER };
const losses: Readonly<Record<string, () => Promise<unknown>>> = {
  'was deleted': () => client.del(keys.task('A')),
  'has another run': () => client.hset(keys.task('A'), LEASE_FIELD, `${OWNER} ${RUN + 1} 1`),
  'was taken over by Go': async () => goTakesOver(client, 'A', (await earlyInSecond(client)) + 25),
  'is over': async () => {
    const now = await earlyInSecond(client);
    await client.zadd(keys.lease, now - 1, 'A');
    await client.hset(keys.task('A'), LEASE_FIELD, `${OWNER} ${RUN} ${now - 1}`);
  },
};

for (const [name, lose] of Object.entries(losses)) {
  test(`of a task that ${name} nothing is noted, and no hash comes back`, async () => {
    await seedActive();
    await lose();
    const before = await bytesOf(client);
    const report = { progress: '1', log: '[[1,"info","x"]]' };
    assert.deepEqual((await extend({ start, report })).gone, ['A']);
    if (name !== 'is over') assert.deepEqual(await settle(retry, { ...ended, report }), ['lost']);
    const after = await bytesOf(client);
    if (name !== 'was deleted') assert.deepEqual(after, before);
    assert.equal(after[keys.task('A')], before[keys.task('A')]);
  });
}

test('a Go server that takes a task over leaves the fields alone', async () => {
  const now = await seedActive();
  await settle(retry, ended);
  await client.zrem(keys.retry, 'A');
  const [before] = (await records()).attempts;
  await client.lpush(keys.active, 'A');
  await goTakesOver(client, 'A', now + 30);
  assert.deepEqual((await records()).attempts, [before]);
  assert.equal((await queueState(client, QUEUE)).tasks['A']?.['state'], 'active');
});
