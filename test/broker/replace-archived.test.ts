/** Tasks that take the place of one that is archived or completed. */
import assert from 'node:assert/strict';
import type { EnqueueEntry } from '../../src/broker/broker.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { queueState, state, withoutPendingSince, type TaskFields } from '../helpers/queue-state.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import { message, QUEUE, useBroker } from './tasks.ts';

const { broker, client, redis, seed } = await useBroker();
const keys = queueKeys(QUEUE);
const LOCK = keys.unique('t', Buffer.from('x'));
const OTHER = keys.unique('t', Buffer.from('y'));
const lockName = LOCK.slice(keys.prefix.length);
const old: TaskFields = {
  msg: 'old',
  state: 'archived',
  result: 'r',
  pending_since: '1',
  threadmill_crashes: '2',
};
const entry: EnqueueEntry = { taskId: 'A', message: message('A'), replaceArchived: true };

for (const place of ['archived', 'completed'] as const) {
  test(`an ID that is ${place} makes room, and nothing of the old task is left`, async () => {
    await seed({ [place]: { A: 5, Z: 6 }, tasks: { A: { ...old, state: place } } });
    assert.equal((await broker.enqueue(QUEUE, [entry]))[0]?.status, 'pending');
    assert.deepEqual(
      withoutPendingSince(await queueState(client, QUEUE)),
      state({
        pending: ['A'],
        [place]: { Z: 6 },
        tasks: { A: { msg: message('A'), state: 'pending' } },
      }),
    );
  });
}

test('without the option an archived ID is a conflict that says so', async () => {
  await seed({ archived: { A: 5 }, tasks: { A: old } });
  const { replaceArchived: _not, ...plain } = entry;
  const unique = { ...plain, unique: { key: LOCK, seconds: 5 } };
  for (const task of [plain, unique]) {
    assert.deepEqual(await broker.enqueue(QUEUE, [task]), [
      { status: 'conflict', state: 'archived' },
    ]);
  }
  const found = await queueState(client, QUEUE);
  assert.deepEqual([found.archived, found.tasks, found.locks], [{ A: 5 }, { A: fields(old) }, {}]);
});

for (const other of ['active', 'pending', 'scheduled', 'retry', 'aggregating'] as const) {
  test(`an ID that is ${other} is a conflict with the option too`, async () => {
    await seed({ tasks: { A: { ...old, state: other } } });
    assert.deepEqual(await broker.enqueue(QUEUE, [entry]), [{ status: 'conflict', state: other }]);
    assert.deepEqual((await queueState(client, QUEUE)).tasks, {
      A: fields({ ...old, state: other }),
    });
  });
}

test('a leaked hash, whose archived task was trimmed without it, makes room too', async () => {
  await seed({ tasks: { A: old } });
  assert.equal((await broker.enqueue(QUEUE, [entry]))[0]?.status, 'pending');
  assert.deepEqual((await queueState(client, QUEUE)).pending, ['A']);
});

test('the lock of the old task is released if it is its own, and left if it is another’s', async () => {
  for (const [holder, locks] of [
    ['A', {}],
    ['B', { [LOCK]: 'B' }],
  ] as const) {
    await seed({
      archived: { A: 5 },
      tasks: { A: { ...old, unique_key: LOCK } },
      locks: { [LOCK]: holder },
    });
    assert.equal((await broker.enqueue(QUEUE, [entry]))[0]?.status, 'pending');
    const found = await queueState(client, QUEUE);
    assert.deepEqual(found.locks, locks);
    assert.equal(found.tasks['A']?.['unique_key'], undefined);
  }
});

test('a lock of the old task that is no text is left where it is', async () => {
  await seed({ archived: { A: 5 }, tasks: { A: { ...old, unique_key: LOCK } } });
  await client.rpush(LOCK, 'A');
  assert.equal((await broker.enqueue(QUEUE, [entry]))[0]?.status, 'pending');
  assert.equal(await client.llen(LOCK), 1);
});

test('the lock that the old task held is taken anew for the time of the new one', async () => {
  // As a Go client leaves it that enqueued into a group: nothing in the hash names the lock.
  for (const unique_key of [{ unique_key: LOCK }, {}]) {
    await seed({
      archived: { A: 5 },
      tasks: { A: { ...old, ...unique_key } },
      locks: { [LOCK]: 'A' },
      ttl: { [lockName]: 900 },
    });
    const now = await earlyInSecond(client);
    const [reply] = await broker.enqueue(QUEUE, [
      { ...entry, unique: { key: LOCK, seconds: 5 }, when: { at: (now + 10) * 1000 } },
    ]);
    assert.equal(reply?.status, 'scheduled');
    const found = await queueState(client, QUEUE);
    assert.deepEqual([found.locks, found.ttl], [{ [LOCK]: 'A' }, { [lockName]: 15 }]);
    assert.equal(String(found.tasks['A']?.['unique_key']), LOCK);
  }
});

test('the old task stays, with its lock, while another task holds the lock of the new one', async () => {
  const there = {
    archived: { A: 5 },
    tasks: { A: { ...old, unique_key: LOCK } },
    locks: { [LOCK]: 'A', [OTHER]: 'B' },
  };
  await seed(there);
  assert.deepEqual(
    await broker.enqueue(QUEUE, [{ ...entry, unique: { key: OTHER, seconds: 5 } }]),
    [{ status: 'duplicate', holder: 'B' }],
  );
  const found = await queueState(client, QUEUE);
  assert.deepEqual([found.archived, found.locks], [there.archived, there.locks]);
});

test('a group takes the place of an archived task as well', async () => {
  await seed({ archived: { A: 5 }, tasks: { A: old } });
  const now = await earlyInSecond(client);
  await broker.enqueue(QUEUE, [{ ...entry, group: 'g' }]);
  assert.deepEqual(
    await queueState(client, QUEUE),
    state({
      groups: ['g'],
      group: { g: { A: now } },
      tasks: { A: { msg: message('A'), state: 'aggregating', group: 'g' } },
    }),
  );
});

test('a full Redis refuses before the old task goes', async () => {
  const there = { archived: { A: 5 }, tasks: { A: old } };
  await seed(there);
  await redis.client.config('SET', 'maxmemory', '1');
  const refused = broker.enqueue(QUEUE, [entry]);
  try {
    await assert.rejects(refused, /OOM/);
  } finally {
    await redis.client.config('SET', 'maxmemory', '0');
  }
  assert.deepEqual(await queueState(client, QUEUE), state({ ...there, tasks: { A: fields(old) } }));
});

/** As `queueState` reads them. */
function fields(written: TaskFields): TaskFields {
  return { ...written, msg: Buffer.from('old'), result: Buffer.from('r') };
}
