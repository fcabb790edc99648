import assert from 'node:assert/strict';
import { queueKeys } from '../../src/wire/keys.ts';
import {
  CANCEL_FIELD,
  CRASHES_FIELD,
  LEASE_FIELD,
  SUSPECT_FIELD,
} from '../../src/wire/task-fields.ts';
import { queueState, type QueueState, state } from '../helpers/queue-state.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import { everyKind, goTakesOver } from './owner-tasks.ts';
import {
  extendOurs,
  leasedBy,
  held,
  message,
  nobodys,
  OWNER,
  QUEUE,
  RUN,
  settleOurs,
  useBroker,
} from './tasks.ts';

const { broker, client, seed } = await useBroker();
const keys = queueKeys(QUEUE);
const from = { server: OWNER, run: RUN };
const to = { server: 'heir', run: RUN };
const adoption = { queue: QUEUE, taskId: 'A', from, to, leaseMs: 30_000 };

test('an adopted task has its new owner and a full lease, and keeps everything else', async () => {
  const now = await earlyInSecond(client);
  const fields = { [CANCEL_FIELD]: '1', [CRASHES_FIELD]: '1', [SUSPECT_FIELD]: '1', own: 'x' };
  await seed(held(['A', 'B'], { leaseAt: now + 3, fields }));
  const task = await broker.adopt(adoption);
  assert.deepEqual(
    { ...task, message: Buffer.from(task?.message ?? []) },
    {
      id: 'A',
      run: RUN,
      message: message('A'),
      waitedMs: undefined,
      crashes: 1,
      isSuspect: true,
    },
  );
  const whole = (id: string): object => ({ msg: message(id), state: 'active', ...fields });
  assert.deepEqual(
    await queueState(client, QUEUE),
    state({
      active: ['A', 'B'],
      lease: { A: now + 30, B: now + 3 },
      tasks: {
        A: { ...whole('A'), ...leasedBy('heir', now + 30) },
        B: { ...whole('B'), ...leasedBy(OWNER, now + 3) },
      },
    }),
  );
  assert.deepEqual(await extendOurs(broker, ['A'], 'heir'), { gone: [], canceled: ['A'] });
});

test('an adopted task belongs to its heir alone', async () => {
  const leaseAt = (await earlyInSecond(client)) + 3;
  await seed(held(['A'], { leaseAt }));
  await broker.adopt(adoption);
  const second = { ...adoption, to: { server: 'second', run: RUN } };
  assert.equal(await broker.adopt(second), undefined, 'the second to come is too late');
  assert.deepEqual(await broker.heldTasks(QUEUE, OWNER), []);
  const requeue = { kind: 'requeue', id: 'A' } as const;
  assert.deepEqual(await settleOurs(broker, [requeue]), ['lost']);
  assert.deepEqual(
    (await broker.heldTasks(QUEUE, 'heir')).map(({ id }) => id),
    ['A'],
  );
  assert.deepEqual(await settleOurs(broker, [requeue], 'heir'), ['settled']);
});

test('of many who would adopt a task at once, one does', async () => {
  await seed(held(['A'], { leaseAt: (await earlyInSecond(client)) + 3 }));
  const heirs = Array.from({ length: 20 }, (_, i) => `heir-${i}`);
  const tasks = await Promise.all(
    heirs.map((server) => broker.adopt({ ...adoption, to: { server, run: RUN } })),
  );
  const winners = heirs.filter((_, i) => tasks[i] !== undefined);
  assert.equal(winners.length, 1);
  assert.match(
    String(await client.hget(keys.task('A'), LEASE_FIELD)),
    new RegExp(`^${winners[0]} `),
  );
});

/** Without the seconds that daily counters have left: they pass while the test runs. */
async function stateButTtl(): Promise<Partial<QueueState>> {
  const { ttl: _passing, ...others } = await queueState(client, QUEUE);
  return others;
}

for (const settlement of everyKind) {
  test(`a task cannot be adopted after its ${settlement.kind}`, async () => {
    await seed(held(['A'], { leaseAt: (await earlyInSecond(client)) + 30 }));
    assert.deepEqual(await settleOurs(broker, [settlement]), ['settled']);
    const before = await stateButTtl();
    assert.equal(await broker.adopt(adoption), undefined);
    assert.deepEqual(await stateButTtl(), before);
  });
}

test('a task that is not in active, not in lease, or another’s is not adopted', async () => {
  const leaseAt = (await earlyInSecond(client)) + 30;
  const ours = held(['A'], { leaseAt });
  const states: Partial<QueueState>[] = [
    { ...ours, active: [] },
    { ...ours, lease: {} },
    { ...ours, lease: { A: leaseAt + 1 } },
    { active: ['A'], tasks: { A: { msg: message('A'), state: 'active', [LEASE_FIELD]: OWNER } } },
    { ...ours, tasks: {} },
    nobodys(['A'], leaseAt),
    held(['A'], { owner: 'them', leaseAt }),
  ];
  for (const parts of states) {
    await seed(parts);
    const before = await queueState(client, QUEUE);
    assert.equal(await broker.adopt(adoption), undefined);
    assert.deepEqual(await queueState(client, QUEUE), before);
  }
  await seed({ ...ours, tasks: {} });
  await client.set(keys.task('A'), 'no hash');
  assert.equal(await broker.adopt(adoption), undefined);
});

test('a task that a Go server took over is held by nobody, and cannot be adopted', async () => {
  const leaseAt = (await earlyInSecond(client)) + 30;
  await seed(held(['A'], { leaseAt: leaseAt - 90 }));
  await goTakesOver(client, 'A', leaseAt);
  const before = await queueState(client, QUEUE);
  assert.deepEqual(await broker.heldTasks(QUEUE, OWNER), []);
  assert.equal(await broker.adopt(adoption), undefined);
  assert.deepEqual(await queueState(client, QUEUE), before);
});
