import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { DeathMark, Settlement } from '../../src/broker/broker.ts';
import { QUEUES, queueKeys } from '../../src/wire/keys.ts';
import {
  CANCEL_FIELD,
  CRASHES_FIELD,
  LEASE_FIELD,
  SUSPECT_FIELD,
} from '../../src/wire/task-fields.ts';
import { rewriteTaskMessage, stampTaskMessage } from '../../src/wire/task-message.ts';
import { queueState, type TaskFields } from '../helpers/queue-state.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import {
  held,
  leasedBy,
  leaseOurs,
  message,
  OWNER,
  QUEUE,
  RUN,
  settleOurs,
  useBroker,
} from './tasks.ts';

const { at, broker, client, seed } = await useBroker();
const keys = queueKeys(QUEUE);
const failed = rewriteTaskMessage(message('A'), { errorMsg: 'x', stamp: 'lastFailedAt' });
const completed = rewriteTaskMessage(message('A'), { stamp: 'completedAt' });
const CANCELED: TaskFields = { [CANCEL_FIELD]: '1' };
const DEATHS: TaskFields = { [CRASHES_FIELD]: '1', [SUSPECT_FIELD]: '1' };

const ways = ['settle', 'settleExpired', 'settleUnleased'] as const;
type Ways = (typeof ways)[number];
const settleBy: Readonly<Record<Ways, (settlement: Settlement) => Promise<unknown>>> = {
  settle: (settlement) => settleOurs(broker, [settlement]),
  settleExpired: async (settlement) =>
    at(70).settleExpired(QUEUE, [{ token: await tokenOf(settlement.id), settlement }]),
  settleUnleased: async (settlement) => {
    await client.zrem(keys.lease, settlement.id);
    return broker.settleUnleased(QUEUE, [{ token: await tokenOf(settlement.id), settlement }]);
  },
};

async function tokenOf(id: string): Promise<string | undefined> {
  return (await client.hget(keys.task(id), LEASE_FIELD)) ?? undefined;
}

/** The hash of task A after its attempt has ended, without `pending_since`. */
async function fieldsAfter(
  settlement: Settlement,
  before: TaskFields = {},
  way: Ways = 'settle',
): Promise<object> {
  const leaseAt = (await earlyInSecond(client)) + 30;
  const fields = { ...CANCELED, ...before, result: Buffer.from('earlier'), own: 'x' };
  await seed(held(['A'], { leaseAt, fields }));
  assert.deepEqual(await settleBy[way](settlement), ['settled']);
  const { pending_since: _dropped, ...after } = (await queueState(client, QUEUE)).tasks['A'] ?? {};
  return after;
}

/** What the hash holds for a message stamped just now, or a second ago. */
async function stamped(change: typeof failed, found: object): Promise<Buffer> {
  const [now = 0] = (await client.time()).map(Number);
  const messages = [now, now - 1, now + 70, now + 69].map((second) =>
    Buffer.from(stampTaskMessage(change, second)),
  );
  return messages.find((each) => each.equals(Reflect.get(found, 'msg'))) ?? Buffer.alloc(0);
}

const kept = { result: Buffer.from('earlier'), own: 'x' };
const failures: [Exclude<Settlement, { kind: 'done' | 'complete' }>, string][] = [
  [{ kind: 'retry', id: 'A', message: failed, delayMs: 0, counts: true }, 'retry'],
  [{ kind: 'archive', id: 'A', message: failed }, 'archived'],
  [{ kind: 'requeue', id: 'A' }, 'pending'],
];

for (const way of ways) {
  for (const [settlement, name] of failures) {
    test(`${settlement.kind} by ${way} ends lease and cancel request, keeps what deaths left, and adds its mark`, async () => {
      const msg = async (found: object): Promise<Buffer> =>
        settlement.kind === 'requeue' ? message('A') : stamped(failed, found);
      const marks: [DeathMark | undefined, TaskFields, TaskFields][] = [
        [undefined, {}, {}],
        [undefined, DEATHS, DEATHS],
        ['crash', {}, { [CRASHES_FIELD]: '1' }],
        ['crash', DEATHS, { ...DEATHS, [CRASHES_FIELD]: '2' }],
        ['suspect', {}, { [SUSPECT_FIELD]: '1' }],
        ['suspect', DEATHS, DEATHS],
        ['crash', { [CRASHES_FIELD]: 'many' }, { [CRASHES_FIELD]: '1' }],
      ];
      for (const [mark, before, after] of marks) {
        const marked = mark === undefined ? settlement : { ...settlement, mark };
        const found = await fieldsAfter(marked, before, way);
        assert.deepEqual(found, { msg: await msg(found), state: name, ...kept, ...after });
      }
    });
  }

  test(`complete by ${way} leaves nothing of the attempt, nor of the deaths before it`, async () => {
    const settlement = { kind: 'complete', id: 'A', uniqueKey: '', message: completed } as const;
    const found = await fieldsAfter({ ...settlement, retentionSeconds: 200 }, DEATHS, way);
    const msg = await stamped(completed, found);
    assert.deepEqual(found, { msg, state: 'completed', ...kept });
  });

  test(`done by ${way} leaves nothing at all`, async () => {
    assert.deepEqual(await fieldsAfter({ kind: 'done', id: 'A', uniqueKey: '' }, DEATHS, way), {});
    assert.equal(await client.exists(keys.task('A')), 0);
  });
}

test('a settlement that is lost leaves no mark', async () => {
  const leaseAt = (await earlyInSecond(client)) + 30;
  await seed({ ...held(['A'], { leaseAt, fields: CANCELED }), lease: {} });
  const before = await queueState(client, QUEUE);
  for (const [settlement] of failures) {
    assert.deepEqual(await settleOurs(broker, [{ ...settlement, mark: 'crash' }]), ['lost']);
  }
  assert.deepEqual(await queueState(client, QUEUE), before);
});

test('a task that the archive trims at once leaves no stub of a hash', async () => {
  const now = await earlyInSecond(client);
  const newer = Array.from({ length: 9999 }, (_, i) => [`z${i}`, now + 100] as const);
  await seed({ ...held(['A'], { leaseAt: now + 30 }), archived: Object.fromEntries(newer) });
  await settleOurs(broker, [{ kind: 'archive', id: 'A', message: failed, mark: 'crash' }]);
  assert.equal(await client.zscore(keys.archived, 'A'), null);
  assert.equal(await client.exists(keys.task('A')), 0);
});

test('a lease writes its owner, ends an old cancel request, and tells what deaths left', async () => {
  const now = await earlyInSecond(client);
  const pending = (id: string, fields: object): TaskFields => ({
    msg: message(id),
    state: 'pending',
    ...fields,
  });
  await seed({
    pending: ['odd', 'B', 'A'],
    tasks: {
      A: pending('A', { ...CANCELED, ...DEATHS, ...leasedBy('them', 5), own: 'x' }),
      B: pending('B', { pending_since: `${now}000000000` }),
      odd: pending('odd', { [CRASHES_FIELD]: '-1e3', [SUSPECT_FIELD]: 'yes' }),
    },
  });
  const { tasks } = await leaseOurs(broker, 3);
  assert.deepEqual(
    tasks.map(({ id, crashes, isSuspect }) => [id, crashes, isSuspect]),
    [
      ['A', 1, true],
      ['B', 0, false],
      ['odd', 0, false],
    ],
  );
  const ours = (run: number): TaskFields => leasedBy(OWNER, now + 30, run);
  const found = await queueState(client, QUEUE);
  assert.deepEqual(found.tasks['A'], {
    msg: message('A'),
    state: 'active',
    ...DEATHS,
    ...ours(RUN),
    own: 'x',
  });
  assert.deepEqual(found.tasks['B'], {
    msg: message('B'),
    state: 'active',
    ...ours(RUN + 1),
  });
});

test('what deaths left is kept over retries, requeues, forwarding and leases, until the task succeeds', async () => {
  const step = fc.record({
    kind: fc.constantFrom('retry', 'requeue'),
    mark: fc.constantFrom<(DeathMark | undefined)[]>('crash', 'suspect', undefined),
    isCanceled: fc.boolean(),
    way: fc.constantFrom<Ways[]>('settle', 'settleUnleased'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 8 }), fc.boolean(), async (steps, succeeds) => {
      await seed({});
      await broker.enqueue(QUEUE, [{ taskId: 'A', message: message('A') }]);
      await client.sadd(QUEUES, QUEUE);
      let crashes = 0;
      let isSuspect = false;
      await leaseOne({ crashes, isSuspect });
      for (const { kind, mark, isCanceled, way } of steps) {
        if (isCanceled) assert.equal(await broker.markCanceled('A'), 1);
        if (mark === 'crash') crashes += 1;
        if (mark === 'suspect') isSuspect = true;
        await settleBy[way](endOf(kind, mark));
        await broker.forward(QUEUE);
        await leaseOne({ crashes, isSuspect });
      }
      const end = { kind: 'complete', id: 'A', uniqueKey: '', message: completed } as const;
      await settleBy.settle(
        succeeds
          ? { ...end, retentionSeconds: 60 }
          : { kind: 'archive', id: 'A', message: failed, mark: 'crash' },
      );
      const fields = await client.hgetall(keys.task('A'));
      const { [CRASHES_FIELD]: counted, [SUSPECT_FIELD]: suspect, ...rest } = fields;
      assert.deepEqual(
        [counted, suspect],
        succeeds ? [undefined, undefined] : [`${crashes + 1}`, isSuspect ? '1' : undefined],
      );
      assert.deepEqual(Object.keys(rest).sort(), ['msg', 'state']);
    }),
    { numRuns: 40 },
  );
});

function endOf(kind: string, mark: DeathMark | undefined): Settlement {
  const marked = mark === undefined ? {} : { mark };
  if (kind === 'requeue') return { kind, id: 'A', ...marked };
  return { kind: 'retry', id: 'A', message: failed, delayMs: 0, counts: true, ...marked };
}

async function leaseOne(wanted: { crashes: number; isSuspect: boolean }): Promise<void> {
  const [task] = (await leaseOurs(broker)).tasks;
  assert.deepEqual([task?.crashes, task?.isSuspect], [wanted.crashes, wanted.isSuspect]);
  const fields = await client.hgetall(keys.task('A'));
  const leaseAt = Number(await client.zscore(keys.lease, 'A'));
  const token = leasedBy(OWNER, leaseAt)[LEASE_FIELD];
  assert.deepEqual([fields[LEASE_FIELD], fields[CANCEL_FIELD]], [token, undefined]);
}
