import assert from 'node:assert/strict';
import { queueKeys } from '../../src/wire/keys.ts';
import { queueState, state } from '../helpers/queue-state.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import { members, scores, SET, STAGED, waiting } from './group-states.ts';
import { message, QUEUE, useBroker } from './tasks.ts';

const { at, broker, client, seed } = await useBroker();
const keys = queueKeys(QUEUE);
const GRACE = { graceMs: 60_000 };

function stage(rules: Parameters<typeof broker.dueGroups>[1], most = rules.maxSize ?? 10_000) {
  return broker.stageGroup({ set: SET, rules, most, staleSeconds: 120 });
}

/** Whether a group with these scores is found, and staged, under these rules. */
async function isDue(
  joined: Readonly<Record<string, number>>,
  rules: Parameters<typeof stage>[0],
): Promise<boolean> {
  await seed(waiting(SET.group, joined));
  const { groups } = await broker.dueGroups(QUEUE, rules);
  const { staged } = await stage(rules);
  assert.equal(groups.includes(SET.group), staged > 0);
  return staged > 0;
}

test('a group is due when its last task joined a grace period ago', async () => {
  const now = await earlyInSecond(client);
  assert.equal(await isDue({ A: now - 90, B: now - 60 }, GRACE), true);
  assert.equal(await isDue({ A: now - 90, B: now - 59 }, GRACE), false);
});

test('times that are no whole seconds are rounded up', async () => {
  const now = await earlyInSecond(client);
  assert.equal(await isDue({ A: now - 1 }, { graceMs: 1_001 }), false);
  assert.equal(await isDue({ A: now - 2 }, { graceMs: 1_001 }), true);
});

test('a group is due when its first task joined the longest delay ago', async () => {
  const now = await earlyInSecond(client);
  const rules = { ...GRACE, maxDelayMs: 300_000 };
  assert.equal(await isDue({ A: now - 300, B: now }, rules), true);
  assert.equal(await isDue({ A: now - 299, B: now }, rules), false);
});

test('a group is due when it has reached the largest size, and no more than that is staged', async () => {
  const now = await earlyInSecond(client);
  const rules = { ...GRACE, maxSize: 2 };
  assert.equal(await isDue({ A: now }, rules), false);
  assert.equal(await isDue({ A: now, B: now }, rules), true);
  await seed(waiting(SET.group, { A: now - 2, B: now - 1, C: now }));
  assert.deepEqual(await stage(rules), { staged: 2, left: 1 });
  assert.deepEqual(
    await queueState(client, QUEUE),
    state({
      groups: [SET.group],
      group: { [SET.group]: { C: now }, [STAGED]: { A: now - 2, B: now - 1 } },
      aggregationSets: { [STAGED]: now + 120 },
      tasks: members(SET.group, ['A', 'B', 'C']),
    }),
  );
});

test('a group that is staged whole is registered no more', async () => {
  const now = await earlyInSecond(client);
  await seed(waiting(SET.group, { A: now - 60 }));
  assert.deepEqual(await stage(GRACE), { staged: 1, left: 0 });
  assert.deepEqual(
    await queueState(client, QUEUE),
    state({
      group: { [STAGED]: { A: now - 60 } },
      aggregationSets: { [STAGED]: now + 120 },
      tasks: members(SET.group, ['A']),
    }),
  );
});

test('nothing is staged of a group that is not there, and its name is taken out', async () => {
  await seed({ groups: [SET.group] });
  assert.deepEqual(await stage(GRACE), { staged: 0, left: 0 });
  assert.deepEqual(await broker.dueGroups(QUEUE, GRACE), { groups: [], next: undefined });
  assert.deepEqual(await queueState(client, QUEUE), state());
});

test('a set that is no sorted set hides no other group', async () => {
  await seed(waiting('good', { A: 1 }));
  await client.sadd(keys.groups, 'odd');
  await client.set(keys.group('odd'), 'text');
  assert.deepEqual((await broker.dueGroups(QUEUE, GRACE)).groups, ['good']);
});

test('thousands of groups are looked through in pages, each once', async () => {
  await seed({});
  const names = Array.from({ length: 3_000 }, (_, i) => `g${i}`);
  await client.sadd(keys.groups, ...names);
  const batch = client.pipeline();
  for (const name of names) batch.zadd(keys.group(name), 1, 'A');
  await batch.exec();
  const found = new Set<string>();
  let from: string | undefined;
  let pages = 0;
  do {
    const page = await broker.dueGroups(QUEUE, GRACE, from);
    for (const name of page.groups) found.add(name);
    assert.ok(page.groups.length < 1_000);
    from = page.next;
    pages += 1;
  } while (from !== undefined);
  assert.deepEqual([...found].sort(), names.sort());
  assert.ok(pages >= 5, `${pages} pages`);
});

test('of a group of 100,000 tasks a part is staged in steps, the oldest first', async () => {
  await seed({});
  const batch = client.pipeline();
  for (let i = 0; i < 100_000; i += 1_000) {
    const some = Array.from({ length: 1_000 }, (_, j) => [i + j, `t${i + j}`]).flat();
    batch.zadd(keys.group(SET.group), ...some);
  }
  await batch.exec();
  const replies = [];
  for (let i = 0; i < 3; i += 1) replies.push(await stage(GRACE, 1_200));
  assert.deepEqual(replies, [
    { staged: 500, left: 99_500 },
    { staged: 1_000, left: 99_000 },
    { staged: 1_200, left: 98_800 },
  ]);
  assert.deepEqual(await stage(GRACE, 1_200), replies[2]);
  assert.deepEqual(await client.zrange(keys.group(STAGED), '0', '0', 'WITHSCORES'), ['t0', '0']);
  assert.deepEqual(await client.zrange(keys.group(STAGED), '-1', '-1'), ['t1199']);
  assert.deepEqual(await client.zrange(keys.group(SET.group), '0', '0'), ['t1200']);
});

test('a set of which a part was staged and reclaimed gets no more', async () => {
  const now = await earlyInSecond(client);
  await seed(waiting(SET.group, scores(600, now - 60)));
  assert.deepEqual(await stage(GRACE, 550), { staged: 500, left: 100 });
  await at(200).reclaimGroups(QUEUE);
  assert.deepEqual((await queueState(client, QUEUE)).group, { [SET.group]: scores(600, now - 60) });
  await client.zrem(keys.group(SET.group), 't000000');
  await client.zadd(keys.group(STAGED), now, 't000000');
  const before = await queueState(client, QUEUE);
  assert.deepEqual(await stage(GRACE, 550), { staged: 0, left: 599 });
  assert.deepEqual(await queueState(client, QUEUE), before);
});

test('staged tasks are read in pages, in order; IDs without a task are dropped', async () => {
  const joined = scores(600, 5);
  await seed({
    group: { [STAGED]: { ...joined, gone: 1, 'also-gone': 9 } },
    aggregationSets: { [STAGED]: 1 },
    tasks: members(SET.group, Object.keys(joined)),
  });
  const read: string[] = [];
  const dropped: string[] = [];
  const sizes: number[] = [];
  for (;;) {
    const page = await broker.readGroup(SET, read.length);
    read.push(...page.tasks.map(({ id }) => id));
    dropped.push(...page.dropped);
    sizes.push(page.size);
    if (read.length >= page.size) break;
  }
  assert.deepEqual(read, Object.keys(joined));
  assert.deepEqual(dropped, ['gone', 'also-gone']);
  assert.deepEqual(sizes, [601, 601, 600]);
  const [first] = (await broker.readGroup(SET, 599)).tasks;
  assert.deepEqual(Buffer.from(first?.message ?? []), message('t000599', { groupKey: SET.group }));
});

test('a page ends at about a mebibyte', async () => {
  const payload = Buffer.alloc(400_000);
  await seed({
    group: { [STAGED]: { A: 1, B: 2, C: 3 } },
    tasks: Object.fromEntries(
      ['A', 'B', 'C'].map((id) => [id, { msg: message(id, { payload }), state: 'aggregating' }]),
    ),
  });
  const page = await broker.readGroup(SET, 0);
  assert.deepEqual([page.tasks.length, page.size], [2, 3]);
});

test('a task without a message is read as one that is empty', async () => {
  await seed({ group: { [STAGED]: { A: 1 } }, tasks: { A: { state: 'aggregating' } } });
  const { tasks } = await broker.readGroup(SET, 0);
  assert.deepEqual(tasks, [{ id: 'A', message: new Uint8Array() }]);
});
