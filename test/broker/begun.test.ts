import assert from 'node:assert/strict';
import type { TaskRun } from '../../src/broker/broker.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { BEGUN_FIELD, LEASE_FIELD, RETURNS_FIELD } from '../../src/wire/task-fields.ts';
import { queueState, type QueueState, type TaskFields } from '../helpers/queue-state.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import { bytesOf, everyKind } from './owner-tasks.ts';
import { active, held, leasedBy, message, OWNER, QUEUE, RUN, useBroker } from './tasks.ts';

const { broker, client, seed } = await useBroker();
const keys = queueKeys(QUEUE);
const BEGUN: TaskFields = { [BEGUN_FIELD]: '1' };
const RETURNED: TaskFields = { [RETURNS_FIELD]: '3' };

async function field(id: string, name: string): Promise<string | undefined> {
  return (await client.hget(keys.task(id), name)) ?? undefined;
}

/** The ways by which a server says which of its runs have begun. */
const notes: Readonly<Record<string, (begun: readonly TaskRun[]) => Promise<unknown>>> = {
  'an extension': (begun) => {
    const tasks = begun.map((run) => ({ ...run, hasBegun: true }));
    return broker.extend({ queue: QUEUE, leaseMs: 30_000, server: OWNER, tasks });
  },
  'a lease': (begun) =>
    broker.lease({ queue: QUEUE, max: 1, leaseMs: 30_000, server: OWNER, firstRun: 90, begun }),
  'a settlement': (begun) => {
    const settlement = { kind: 'requeue', id: 'another' } as const;
    const settlements = [{ run: RUN, settlement }];
    return broker.settle({ queue: QUEUE, server: OWNER, settlements, begun });
  },
};

for (const [way, note] of Object.entries(notes)) {
  test(`${way} notes which runs have begun, and forgets how often they were returned`, async () => {
    const now = await earlyInSecond(client);
    await seed({ ...held(['A', 'B', 'C'], { leaseAt: now + 30, fields: RETURNED }), paused: '1' });
    await note(['A', 'B'].map((id) => ({ id, run: RUN })));
    const { tasks } = await queueState(client, QUEUE);
    const plain = (id: string): TaskFields => ({
      msg: message(id),
      state: 'active',
      ...leasedBy(OWNER, now + 30),
    });
    assert.deepEqual(tasks, {
      A: { ...plain('A'), ...BEGUN },
      B: { ...plain('B'), ...BEGUN },
      C: { ...plain('C'), ...RETURNED },
    });
  });

  test(`${way} notes nothing of runs that do not hold their task`, async () => {
    const now = await earlyInSecond(client);
    const others = [
      held(['another-run'], { leaseAt: now + 30, fields: leasedBy(OWNER, now + 30, RUN + 1) }),
      held(['another-server'], { leaseAt: now + 30, owner: 'them' }),
      held(['of-go'], { leaseAt: now + 30, fields: leasedBy(OWNER, now - 60) }),
    ];
    const parts: Partial<QueueState> = {
      active: ['another-run', 'another-server', 'of-go', 'no-hash', 'odd'],
      lease: { 'no-hash': now + 30, odd: now + 30 },
      tasks: {},
    };
    await seed({
      ...parts,
      lease: Object.assign({ ...parts.lease }, ...others.map(({ lease }) => lease)),
      tasks: Object.assign({}, ...others.map(({ tasks }) => tasks)),
    });
    await client.set(keys.task('odd'), 'no hash');
    const before = await bytesOf(client);
    await note([...(parts.active ?? []), 'nowhere'].map((id) => ({ id, run: RUN })));
    assert.deepEqual(await bytesOf(client), before);
  });
}

test('a lease and a settlement note nothing of a run whose lease entry is missing', async () => {
  await seed({ ...active(['A'], (await earlyInSecond(client)) + 30), lease: {} });
  const before = await bytesOf(client);
  for (const way of ['a lease', 'a settlement']) await notes[way]?.([{ id: 'A', run: RUN }]);
  assert.deepEqual(await bytesOf(client), before);
});

test('an extension of a task that has not begun unsays nothing', async () => {
  const now = await earlyInSecond(client);
  await seed(held(['A'], { leaseAt: now + 5, fields: { ...BEGUN, ...RETURNED } }));
  const tasks = [{ id: 'A', run: RUN, hasBegun: false }];
  await broker.extend({ queue: QUEUE, leaseMs: 30_000, server: OWNER, tasks });
  assert.deepEqual([await field('A', BEGUN_FIELD), await field('A', RETURNS_FIELD)], ['1', '3']);
});

test('a lease notes what has begun before it leases', async () => {
  const now = await earlyInSecond(client);
  const seeded = active(['A'], now + 30);
  const waiting = { msg: message('B'), state: 'pending' };
  await seed({ ...seeded, pending: ['B'], tasks: { ...seeded.tasks, B: waiting } });
  const call = { queue: QUEUE, max: 1, leaseMs: 30_000, server: OWNER, firstRun: RUN };
  // B is not that run yet when the note is read.
  const begun = ['A', 'B'].map((id) => ({ id, run: RUN }));
  assert.equal((await broker.lease({ ...call, begun })).tasks[0]?.id, 'B');
  assert.deepEqual(
    [await field('A', BEGUN_FIELD), await field('B', BEGUN_FIELD)],
    ['1', undefined],
  );
});

for (const settlement of everyKind) {
  test(`${settlement.kind} ends what was noted of the attempt, also when it is noted with it`, async () => {
    const now = await earlyInSecond(client);
    for (const begun of [[], [{ id: 'A', run: RUN }]]) {
      await seed(held(['A'], { leaseAt: now + 30, fields: { ...BEGUN, ...RETURNED } }));
      const settlements = [{ run: RUN, settlement }];
      const call = { queue: QUEUE, server: OWNER, settlements, begun };
      assert.deepEqual(await broker.settle(call), ['settled']);
      const { tasks } = await queueState(client, QUEUE);
      for (const name of [BEGUN_FIELD, RETURNS_FIELD, LEASE_FIELD]) {
        assert.equal(tasks['A']?.[name], undefined, name);
      }
      assert.equal(tasks['A'] === undefined, settlement.kind === 'done');
    }
  });
}

test('an adopted task has not begun for its heir', async () => {
  const now = await earlyInSecond(client);
  await seed(held(['A'], { leaseAt: now + 5, fields: BEGUN }));
  const from = { server: OWNER, run: RUN };
  const to = { server: 'heir', run: 1 };
  await broker.adopt({ queue: QUEUE, taskId: 'A', from, to, leaseMs: 30_000 });
  const [task] = await broker.heldTasks(QUEUE, 'heir');
  assert.deepEqual([task?.run, task?.hasBegun], [1, false]);
});
