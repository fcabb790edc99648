import assert from 'node:assert/strict';
import { queueKeys } from '../../src/wire/keys.ts';
import { queueState, state } from '../helpers/queue-state.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import { members, scores, SET, STAGED } from './group-states.ts';
import { message, QUEUE, useBroker } from './tasks.ts';

const { at, broker, client, seed } = await useBroker();
const keys = queueKeys(QUEUE);

test('a set goes stale two minutes after its last extension', async () => {
  const now = await earlyInSecond(client);
  await seed({ aggregationSets: { [STAGED]: now + 5, 'other:x': now + 5 } });
  const gone = { ...SET, id: 'set-2' };
  assert.deepEqual(await broker.extendGroups(QUEUE, [SET, gone], 120), ['set-2']);
  assert.deepEqual(
    await queueState(client, QUEUE),
    state({ aggregationSets: { [STAGED]: now + 120, 'other:x': now + 5 } }),
  );
});

test('tasks that are given back stand in their group as before, and its name is registered', async () => {
  const now = await earlyInSecond(client);
  await seed({
    group: { [SET.group]: { D: now }, [STAGED]: { A: 1, gone: 2, B: 3 } },
    aggregationSets: { [STAGED]: now + 50 },
    tasks: members(SET.group, ['A', 'B', 'D']),
  });
  assert.deepEqual(await broker.unstageGroup(SET), { left: 0, dropped: ['gone'] });
  assert.deepEqual(
    await queueState(client, QUEUE),
    state({
      groups: [SET.group],
      group: { [SET.group]: { A: 1, B: 3, D: now } },
      tasks: members(SET.group, ['A', 'B', 'D']),
    }),
  );
});

test('a large set is given back in steps, and stays listed until the last', async () => {
  const joined = scores(1_200, 7);
  await seed({
    group: { [STAGED]: joined },
    aggregationSets: { [STAGED]: 9_999_999_999 },
    tasks: members(SET.group, Object.keys(joined)),
  });
  const left: number[] = [];
  for (;;) {
    left.push((await broker.unstageGroup(SET)).left);
    if (left.at(-1) === 0) break;
    assert.equal((await queueState(client, QUEUE)).aggregationSets[STAGED], 9_999_999_999);
  }
  assert.deepEqual(left, [700, 200, 0]);
  const after = await queueState(client, QUEUE);
  assert.deepEqual([after.group, after.aggregationSets], [{ [SET.group]: joined }, {}]);
});

test('the first tasks of a set may stay in it', async () => {
  await seed({
    group: { [STAGED]: { A: 1, B: 2, C: 3 } },
    aggregationSets: { [STAGED]: 9_999_999_999 },
    tasks: members(SET.group, ['A', 'B', 'C']),
  });
  assert.deepEqual(await broker.unstageGroup(SET, 1), { left: 0, dropped: [] });
  assert.deepEqual(
    await queueState(client, QUEUE),
    state({
      groups: [SET.group],
      group: { [STAGED]: { A: 1 }, [SET.group]: { B: 2, C: 3 } },
      aggregationSets: { [STAGED]: 9_999_999_999 },
      tasks: members(SET.group, ['A', 'B', 'C']),
    }),
  );
});

test('a stale set is reclaimed, one that is not stale is left alone', async () => {
  const now = await earlyInSecond(client);
  await seed({
    group: { [STAGED]: { A: 1, gone: 2 }, 'x:live': { B: 3 } },
    aggregationSets: { [STAGED]: now, 'x:live': now + 2 },
    tasks: { ...members(SET.group, ['A']), ...members('x', ['B']) },
  });
  assert.deepEqual(await broker.reclaimGroups(QUEUE), {
    group: SET.group,
    count: 1,
    dropped: ['gone'],
  });
  assert.equal(await broker.reclaimGroups(QUEUE), undefined);
  assert.deepEqual(
    await queueState(client, QUEUE),
    state({
      groups: [SET.group],
      group: { [SET.group]: { A: 1 }, 'x:live': { B: 3 } },
      aggregationSets: { 'x:live': now + 2 },
      tasks: { ...members(SET.group, ['A']), ...members('x', ['B']) },
    }),
  );
});

test('what is listed as stale but is no aggregation set is taken off the list', async () => {
  await seed({ aggregationSets: { 'gone:1': 1 } });
  await client.zadd(keys.aggregationSets, 2, 'odd');
  for (const group of ['gone', '']) {
    assert.deepEqual(await broker.reclaimGroups(QUEUE), { group, count: 0, dropped: [] });
  }
  assert.equal(await broker.reclaimGroups(QUEUE), undefined);
  assert.deepEqual(await queueState(client, QUEUE), state());
});

test('the new task and the end of the set are one step; the tasks go after it, with their locks', async () => {
  const now = await earlyInSecond(client);
  const lock = keys.unique('t', Buffer.from('a'));
  const other = keys.unique('t', Buffer.from('b'));
  const noted = keys.unique('t', Buffer.from('c'));
  await seed({
    group: { [STAGED]: { A: 1, B: 2, C: 3 } },
    aggregationSets: { [STAGED]: now + 60 },
    tasks: {
      ...members(SET.group, ['A', 'B']),
      C: { ...members(SET.group, ['C'])['C'], unique_key: noted },
    },
    locks: { [lock]: 'A', [other]: 'a newer task', [noted]: 'C' },
  });
  const close = { set: SET, size: 3, entry: { taskId: 'R', message: message('R') } };
  assert.deepEqual(await broker.closeGroup(close), { status: 'closed' });
  const closed = await queueState(client, QUEUE);
  const { pending_since: since, ...result } = closed.tasks['R'] ?? {};
  assert.match(String(since), new RegExp(`^${now}\\d{9}$`));
  assert.deepEqual(result, { msg: message('R'), state: 'pending' });
  assert.deepEqual(closed.pending, ['R']);
  assert.deepEqual([closed.group, closed.aggregationSets], [{}, {}]);
  assert.deepEqual(closed.closed, { 'set-1': { A: 1, B: 2, C: 3 } });
  assert.deepEqual(closed.closedSets, { 'set-1': now });

  // Repeated, as when its reply was lost: told the same, and nothing twice.
  assert.deepEqual(await broker.closeGroup(close), { status: 'closed' });
  assert.deepEqual(await queueState(client, QUEUE), closed);

  const locked = [
    { id: 'A', uniqueKey: lock },
    { id: 'B', uniqueKey: other },
  ];
  assert.equal(await broker.sweepGroup(SET, locked), 0);
  assert.deepEqual(
    await queueState(client, QUEUE),
    state({
      pending: ['R'],
      tasks: { R: closed.tasks['R'] ?? {} },
      locks: { [other]: 'a newer task' },
    }),
  );
});

test('the new task may be for later', async () => {
  const now = await earlyInSecond(client);
  await seed({
    group: { [STAGED]: { A: 1 } },
    aggregationSets: { [STAGED]: now },
    tasks: members('x', ['A']),
  });
  const entry = { taskId: 'R', message: message('R'), when: { in: 5_000 } };
  assert.deepEqual(await broker.closeGroup({ set: SET, size: 1, entry }), { status: 'closed' });
  const { scheduled, tasks } = await queueState(client, QUEUE);
  assert.deepEqual([scheduled, tasks['R']?.['state']], [{ R: now + 6 }, 'scheduled']);
});

test('a set may end without a new task', async () => {
  const now = await earlyInSecond(client);
  await seed({
    group: { [STAGED]: { A: 1 } },
    aggregationSets: { [STAGED]: now },
    tasks: members('x', ['A']),
  });
  assert.deepEqual(await broker.closeGroup({ set: SET, size: 1 }), { status: 'closed' });
  assert.equal(await broker.sweepGroup(SET, []), 0);
  assert.deepEqual(await queueState(client, QUEUE), state());
});

for (const [what, parts, size] of [
  ['reclaimed', { group: { [SET.group]: { A: 1 } }, groups: [SET.group] }, 1],
  [
    'reclaimed in part',
    { group: { [SET.group]: { A: 1 }, [STAGED]: { B: 1 } }, aggregationSets: { [STAGED]: 5 } },
    2,
  ],
  ['not listed any more', { group: { [STAGED]: { A: 1 } } }, 1],
] as const) {
  test(`nothing is written for a set that was ${what}`, async () => {
    await seed({ ...parts, tasks: members(SET.group, ['A', 'B']) });
    const before = await queueState(client, QUEUE);
    const entry = { taskId: 'R', message: message('R') };
    assert.deepEqual(await broker.closeGroup({ set: SET, size, entry }), { status: 'gone' });
    assert.deepEqual(await queueState(client, QUEUE), before);
  });
}

test('nothing is written when the ID of the new task exists', async () => {
  await seed({
    group: { [STAGED]: { A: 1 } },
    aggregationSets: { [STAGED]: 5 },
    tasks: members(SET.group, ['A', 'R']),
  });
  const before = await queueState(client, QUEUE);
  const entry = { taskId: 'R', message: message('R') };
  const reply = await broker.closeGroup({ set: SET, size: 1, entry });
  assert.deepEqual(reply, { status: 'conflict', state: 'aggregating' });
  assert.deepEqual(await queueState(client, QUEUE), before);
});

test('the tasks of a large set are deleted in steps', async () => {
  const joined = scores(1_100, 3);
  await seed({
    closed: { 'set-1': joined },
    closedSets: { 'set-1': 7 },
    tasks: members(SET.group, Object.keys(joined)),
  });
  const left: number[] = [];
  do left.push(await broker.sweepGroup(SET, []));
  while (left.at(-1) !== 0);
  assert.deepEqual(left, [600, 100, 0]);
  assert.deepEqual(await queueState(client, QUEUE), state());
});

test('what a dead server did not delete is deleted some minutes later', async () => {
  const now = await earlyInSecond(client);
  const joined = scores(600, 3);
  const lock = keys.unique('t', undefined);
  const parts = {
    closed: { 'set-1': joined, 'set-2': { Z: 1 } },
    closedSets: { 'set-1': now - 10, 'set-2': now + 40 },
    tasks: { ...members(SET.group, Object.keys(joined)), Z: { state: 'aggregating' } },
    locks: { [lock]: 't000000' },
  };
  await seed(parts);
  await client.hset(keys.task('t000000'), 'unique_key', lock);
  const before = await queueState(client, QUEUE);
  assert.equal(await broker.sweepLeftovers(QUEUE), false);
  assert.deepEqual(await queueState(client, QUEUE), before);
  const later = at(145);
  assert.deepEqual(
    [
      await later.sweepLeftovers(QUEUE),
      await later.sweepLeftovers(QUEUE),
      await later.sweepLeftovers(QUEUE),
    ],
    [true, true, false],
  );
  assert.deepEqual(
    await queueState(client, QUEUE),
    state({
      closed: { 'set-2': { Z: 1 } },
      closedSets: { 'set-2': now + 40 },
      tasks: { Z: { state: 'aggregating' } },
    }),
  );
});

test('a group that lost its name is registered again while tasks wait in it', async () => {
  await seed({ group: { hidden: { A: 1 } }, groups: ['known'], tasks: members('hidden', ['A']) });
  assert.equal(await broker.rescueGroups(QUEUE, ['hidden', 'empty']), 1);
  assert.deepEqual((await queueState(client, QUEUE)).groups, ['hidden', 'known']);
  assert.equal(await broker.rescueGroups(QUEUE, ['hidden', 'empty']), 0);
});

test('a staged task that cannot be read is archived', async () => {
  const now = await earlyInSecond(client);
  await seed({
    group: { [STAGED]: { A: 1, B: 2 } },
    aggregationSets: { [STAGED]: now + 60 },
    tasks: members(SET.group, ['A', 'B']),
  });
  const text = { head: Buffer.from('x'), tail: Buffer.from('y'), field: 'none' } as const;
  const aside = [
    { id: 'A', message: text },
    { id: 'not there', message: text },
  ];
  assert.equal(await broker.setAside(SET, aside), 1);
  const after = await queueState(client, QUEUE);
  assert.deepEqual(after.archived, { A: now });
  assert.deepEqual(after.group, { [STAGED]: { B: 2 } });
  assert.deepEqual(after.tasks['A'], {
    msg: Buffer.from('xy'),
    state: 'archived',
    group: SET.group,
  });
  assert.equal(after.tasks['not there'], undefined);
  assert.equal(after.counters['failed'], '1');
});
