import assert from 'node:assert/strict';
import { queueKeys } from '../../src/wire/keys.ts';
import { CANCEL_FIELD, LEASE_FIELD } from '../../src/wire/task-fields.ts';
import { queueState, state, type QueueState } from '../helpers/queue-state.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import { bytesOf, everyKind, failed, goTakesOver } from './owner-tasks.ts';
import {
  active,
  extendOurs,
  held,
  leasedBy,
  leaseOurs,
  message,
  nobodys,
  OWNER,
  QUEUE,
  RUN,
  settleOurs,
  useBroker,
} from './tasks.ts';

const { at, broker, client, seed } = await useBroker();
const keys = queueKeys(QUEUE);

/** Task A, leased for this server and run until `leaseAt`. */
function heldBy(server: string, run: number, leaseAt: number): Partial<QueueState> {
  return held(['A'], { leaseAt, fields: leasedBy(server, leaseAt, run) });
}

/** A recoverer of ours takes the task away after its lease was over, and another server leases it: under the same run number. */
async function threadmillTakesOver(now: number): Promise<void> {
  await seed(active(['A'], now - 2));
  const [lost] = await broker.expiredLeases(QUEUE);
  const settlement = { kind: 'retry', id: 'A', message: failed, delayMs: 0, counts: true } as const;
  const recovery = { token: lost?.token, settlement };
  assert.deepEqual(await broker.settleExpired(QUEUE, [recovery]), ['settled']);
  assert.equal(await broker.forward(QUEUE), 1);
  const theirs = { queue: QUEUE, max: 1, leaseMs: 30_000, server: 'them', firstRun: RUN };
  assert.equal((await broker.lease(theirs)).tasks.length, 1);
}

/** Who may hold task A while its late owner believes that it is its own. */
const holders: Readonly<Record<string, (now: number) => Promise<void>>> = {
  'another server': (now) => seed(heldBy('them', RUN, now + 30)),
  'another server, after it was recovered': threadmillTakesOver,
  'a server whose name begins as ours does': (now) => seed(heldBy(`${OWNER}2`, RUN, now + 30)),
  'a server with whose name ours begins': (now) => seed(heldBy(OWNER.slice(0, 1), RUN, now + 30)),
  'the next run of our server': (now) => seed(heldBy(OWNER, RUN + 1, now + 30)),
  'a run of ours whose number begins alike': (now) => seed(heldBy(OWNER, RUN * 10, now + 30)),
  'a Go server': async (now) => {
    await seed(active(['A'], now - 60));
    await goTakesOver(client, 'A', now + 30);
  },
  'somebody who wrote another score while our token runs': (now) =>
    seed(held(['A'], { leaseAt: now + 30, fields: leasedBy(OWNER, now + 20) })),
  'a Go server that found no token': (now) => seed(nobodys(['A'], now + 30)),
  'somebody who wrote a token of his own kind': (now) =>
    seed(held(['A'], { leaseAt: now + 30, fields: { [LEASE_FIELD]: `${OWNER} ${RUN}` } })),
  'nobody, as it is not active any more': async (now) => {
    await seed(active(['A'], now + 30));
    assert.deepEqual(await settleOurs(broker, [{ kind: 'requeue', id: 'A' }]), ['settled']);
  },
  'nobody, as it was deleted': () => seed({}),
};

for (const [holder, takeOver] of Object.entries(holders)) {
  for (const settlement of everyKind) {
    test(`a late ${settlement.kind} of a task that is held by ${holder} is lost, and changes no byte`, async () => {
      await takeOver(await earlyInSecond(client));
      const before = await bytesOf(client);
      assert.deepEqual(await settleOurs(broker, [settlement]), ['lost']);
      assert.deepEqual(await bytesOf(client), before);
    });
  }

  test(`a late extension of a task that is held by ${holder} does not take it back, and changes no byte`, async () => {
    await takeOver(await earlyInSecond(client));
    const before = await bytesOf(client);
    const call = { queue: QUEUE, leaseMs: 30_000, server: OWNER };
    const tasks = [{ id: 'A', run: RUN, hasBegun: true }];
    assert.deepEqual(await broker.extend({ ...call, tasks }), { gone: ['A'], canceled: [] });
    assert.deepEqual(await bytesOf(client), before);
  });

  test(`a late adoption of a task that is held by ${holder} is refused, and changes no byte`, async () => {
    await takeOver(await earlyInSecond(client));
    const before = await bytesOf(client);
    const from = { server: OWNER, run: RUN };
    const to = { server: 'heir', run: 1 };
    const adoption = { queue: QUEUE, taskId: 'A', from, to, leaseMs: 30_000 };
    assert.equal(await broker.adopt(adoption), undefined);
    assert.deepEqual(await bytesOf(client), before);
  });
}

for (const settlement of everyKind) {
  test(`${settlement.kind} of a task whose lease entry is missing is lost, and changes no byte`, async () => {
    await seed({ ...active(['A'], (await earlyInSecond(client)) + 30), lease: {} });
    const before = await bytesOf(client);
    assert.deepEqual(await settleOurs(broker, [settlement]), ['lost']);
    assert.deepEqual(await bytesOf(client), before);
  });

  test(`${settlement.kind} after the lease was over is written, as long as nobody has taken the task`, async () => {
    const now = await earlyInSecond(client);
    for (const leaseAt of [now, now - 1, now - 100_000]) {
      await seed(active(['A'], leaseAt));
      assert.deepEqual(await settleOurs(broker, [settlement]), ['settled']);
      const { lease, active: running } = await queueState(client, QUEUE);
      assert.deepEqual([running, lease], [[], {}]);
    }
  });

  test(`${settlement.kind} that was written is lost when it is sent again, and changes no byte`, async () => {
    await seed(active(['A'], (await earlyInSecond(client)) + 30));
    assert.deepEqual(await settleOurs(broker, [settlement]), ['settled']);
    const before = await bytesOf(client);
    assert.deepEqual(await settleOurs(broker, [settlement]), ['lost']);
    assert.deepEqual(await bytesOf(client), before);
  });
}

test('an adoption of a task whose lease entry is missing is refused', async () => {
  await seed({ ...active(['A'], (await earlyInSecond(client)) + 30), lease: {} });
  const before = await bytesOf(client);
  const from = { server: OWNER, run: RUN };
  const to = { server: 'heir', run: 1 };
  const adoption = { queue: QUEUE, taskId: 'A', from, to, leaseMs: 30_000 };
  assert.equal(await broker.adopt(adoption), undefined);
  assert.deepEqual(await bytesOf(client), before);
});

test('a lease gives each task a run number of its own, and tells it', async () => {
  const now = await earlyInSecond(client);
  await seed({});
  await broker.enqueue(
    QUEUE,
    ['A', 'B', 'C'].map((taskId) => ({ taskId, message: message(taskId) })),
  );
  await client.del(keys.task('B')); // dropped: it takes no number
  const { tasks } = await leaseOurs(broker, 3);
  assert.deepEqual(
    tasks.map(({ id, run }) => [id, run]),
    [
      ['A', RUN],
      ['C', RUN + 1],
    ],
  );
  const found = await queueState(client, QUEUE);
  const token = (id: string): unknown => found.tasks[id]?.[LEASE_FIELD];
  assert.deepEqual(
    [token('A'), token('C')],
    [`${OWNER} ${RUN} ${now + 30}`, `${OWNER} ${RUN + 1} ${now + 30}`],
  );
});

test('run numbers stay whole decimal text however large they are', async () => {
  await seed({ pending: ['A'], tasks: { A: { msg: message('A'), state: 'pending' } } });
  const run = 2 ** 50;
  const call = { queue: QUEUE, max: 1, leaseMs: 30_000, server: OWNER, firstRun: run };
  assert.equal((await broker.lease(call)).tasks[0]?.run, run);
  const settlement = { kind: 'requeue', id: 'A' } as const;
  const settlements = [{ run, settlement }];
  assert.deepEqual(await broker.settle({ queue: QUEUE, server: OWNER, settlements }), ['settled']);
});

test('an extension writes score and token together, whatever its length', async () => {
  const now = await earlyInSecond(client);
  await seed(active(['A'], now + 5));
  const tasks = [{ id: 'A', run: RUN, hasBegun: false }];
  for (const leaseMs of [10_000, 10_400, 3_600_000, 1500, 999_999]) {
    const call = { queue: QUEUE, leaseMs, server: OWNER, tasks };
    assert.deepEqual(await broker.extend(call), { gone: [], canceled: [] });
    const { lease, tasks: hashes } = await queueState(client, QUEUE);
    const leaseAt = lease['A'] ?? 0;
    assert.equal(hashes['A']?.[LEASE_FIELD], `${OWNER} ${RUN} ${leaseAt}`);
    const ahead = leaseAt - now - leaseMs / 1000;
    assert.ok(ahead > -1 && ahead < 1, `${leaseMs} ms: ${ahead} s too much`);
  }
});

test('a lease that is over is never revived, also when nobody has taken the task', async () => {
  const now = await earlyInSecond(client);
  await seed(active(['A'], now + 10));
  const before = await bytesOf(client);
  for (const seconds of [10, 11, 1000]) {
    assert.deepEqual((await extendOurs(at(seconds), ['A'])).gone, ['A'], `after ${seconds} s`);
  }
  assert.deepEqual(await bytesOf(client), before);
  assert.deepEqual((await extendOurs(at(9), ['A'])).gone, []);
  assert.deepEqual((await queueState(client, QUEUE)).lease, { A: now + 39 });
});

test('a missing lease entry of a token that still runs comes back, and a cancel request is told', async () => {
  const now = await earlyInSecond(client);
  for (const leaseAt of [now + 1, now + 29]) {
    const seeded = held(['A'], { leaseAt, fields: { [CANCEL_FIELD]: '1' } });
    await seed({ ...seeded, active: ['B', 'A'], lease: {} });
    assert.deepEqual(await extendOurs(broker, ['A']), { gone: [], canceled: ['A'] });
    assert.deepEqual(
      await queueState(client, QUEUE),
      state({
        ...held(['A'], { leaseAt: now + 30, fields: { [CANCEL_FIELD]: '1' } }),
        active: ['B', 'A'],
      }),
    );
  }
});

test('a missing lease entry does not come back when the token is over, is none of ours, or its task is not active', async () => {
  const now = await earlyInSecond(client);
  const running = { ...active(['A'], now + 20), lease: {} };
  const withToken = (token: string): Partial<QueueState> => ({
    ...held(['A'], { leaseAt: 0, fields: { [LEASE_FIELD]: token } }),
    lease: {},
  });
  const states: Readonly<Record<string, Partial<QueueState>>> = {
    over: { ...active(['A'], now), lease: {} },
    'long over': { ...active(['A'], now - 500), lease: {} },
    'of another run': withToken(`${OWNER} ${RUN + 1} ${now + 20}`),
    'of a run that begins alike': withToken(`${OWNER} ${RUN}1 ${now + 20}`),
    'of another server': withToken(`them ${RUN} ${now + 20}`),
    'without expiry': withToken(`${OWNER} ${RUN} `),
    'with text for an expiry': withToken(`${OWNER} ${RUN} soon`),
    'not there': { ...nobodys(['A'], now), lease: {} },
    'of a task that is not active': { ...running, active: [] },
    'of a task that is pending': { ...running, active: [], pending: ['A'] },
    'of a task without hash': { ...running, tasks: {} },
  };
  for (const [name, parts] of Object.entries(states)) {
    await seed(parts);
    const before = await bytesOf(client);
    assert.deepEqual(await extendOurs(broker, ['A']), { gone: ['A'], canceled: [] }, name);
    assert.deepEqual(await bytesOf(client), before, name);
  }
});

test('one extension answers for each of its tasks by itself', async () => {
  const now = await earlyInSecond(client);
  const ours = active(['A', 'B', 'E'], now + 5);
  const theirs = held(['C'], { owner: 'them', leaseAt: now + 5 });
  await seed({
    active: ['A', 'B', 'C', 'E'],
    lease: { A: now + 5, C: now + 5, E: now + 5 },
    tasks: { ...ours.tasks, ...theirs.tasks },
  });
  const call = { queue: QUEUE, leaseMs: 30_000, server: OWNER };
  const runs = [RUN, RUN, RUN, RUN, RUN + 1];
  const tasks = ['A', 'B', 'C', 'D', 'E'].map((id, i) => ({
    id,
    run: runs[i] ?? 0,
    hasBegun: false,
  }));
  assert.deepEqual((await broker.extend({ ...call, tasks })).gone, ['C', 'D', 'E']);
  const { lease } = await queueState(client, QUEUE);
  assert.deepEqual(lease, { A: now + 30, B: now + 30, C: now + 5, E: now + 5 });
});
