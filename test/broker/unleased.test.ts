import assert from 'node:assert/strict';
import { queueKeys } from '../../src/wire/keys.ts';
import { BEGUN_FIELD, LEASE_FIELD } from '../../src/wire/task-fields.ts';
import { queueState, state } from '../helpers/queue-state.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import { bytesOf, everyKind } from './owner-tasks.ts';
import {
  active,
  extendOurs,
  held,
  leasedBy,
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

test('active tasks without a lease are listed with what stands beside them, each once, and nothing changes', async () => {
  const now = await earlyInSecond(client);
  const leased = active(['leased'], now - 500);
  const token = leasedBy(OWNER, now + 30);
  await seed({
    active: ['ours', 'leased', 'goes', 'ours', 'bodyless'],
    lease: { ...leased.lease, elsewhere: now },
    tasks: {
      ...leased.tasks,
      ours: { msg: message('ours'), state: 'active', ...token, [BEGUN_FIELD]: '1' },
      goes: { msg: message('goes'), state: 'active' },
      bodyless: { state: 'active' },
      elsewhere: { msg: message('elsewhere'), state: 'active' },
    },
  });
  const before = await bytesOf(client);
  const found = await broker.lostTasks(QUEUE, await broker.unleased(QUEUE));
  const facts = { hasBegun: false, returns: 0, token: undefined };
  assert.deepEqual(
    found.map((task) => ({ ...task, message: task.message && Buffer.from(task.message) })),
    [
      { ...facts, id: 'ours', token: token[LEASE_FIELD], hasBegun: true, message: message('ours') },
      { ...facts, id: 'goes', message: message('goes') },
      { ...facts, id: 'bodyless', message: undefined },
    ],
  );
  assert.deepEqual(await bytesOf(client), before);
});

test('what can be no task leaves active', async () => {
  const odd = Buffer.from([0x61, 0xff]);
  await seed({ ...nobodys(['A'], 0), active: ['gone', 'A', 'gone'], lease: {} });
  await client.rpush(keys.active, 'text', odd);
  await client.set(keys.task('text'), 'no hash');
  await client.hset(Buffer.concat([Buffer.from(keys.taskPrefix), odd]), 'msg', 'm');
  assert.deepEqual(
    (await broker.unleased(QUEUE)).map(({ id }) => id),
    ['A'],
  );
  assert.deepEqual(await client.lrange(keys.active, 0, -1), ['A']);
});

test('an entry without hash that has a lease is left to those who look at leases', async () => {
  const now = await earlyInSecond(client);
  await seed({ active: ['gone'], lease: { gone: now } });
  assert.deepEqual(await broker.unleased(QUEUE), []);
  assert.deepEqual(
    await queueState(client, QUEUE),
    state({ active: ['gone'], lease: { gone: now } }),
  );
});

test('few entries without lease are found among thousands that have one, and at most 100 are listed', async () => {
  const now = await earlyInSecond(client);
  const many = Array.from({ length: 2500 }, (_, i) => `task-${i}`);
  const seeded = active(many, now);
  const {
    'task-0': _first,
    'task-1200': _middle,
    'task-2499': _last,
    ...rest
  } = seeded.lease ?? {};
  await seed({ ...seeded, lease: rest });
  assert.deepEqual(
    (await broker.unleased(QUEUE)).map(({ id }) => id),
    ['task-0', 'task-1200', 'task-2499'],
  );
  await seed({ ...seeded, lease: {} });
  assert.equal((await broker.unleased(QUEUE)).length, 100);
});

for (const settlement of everyKind) {
  test(`${settlement.kind} of a task without lease is written if nothing has changed since`, async () => {
    const leaseAt = (await earlyInSecond(client)) + 30;
    for (const seeded of [active(['A'], leaseAt), nobodys(['A'], leaseAt)]) {
      await seed({ ...seeded, lease: {} });
      const [lost] = await broker.unleased(QUEUE);
      const recovery = { token: lost?.token, settlement };
      assert.deepEqual(await broker.settleUnleased(QUEUE, [recovery]), ['settled']);
      assert.deepEqual(await broker.settleUnleased(QUEUE, [recovery]), ['lost']);
      const found = await queueState(client, QUEUE);
      assert.deepEqual(
        [found.active, found.lease, found.tasks['A']?.[LEASE_FIELD]],
        [[], {}, undefined],
      );
    }
  });
}

/** What may have happened to A after it was listed. */
const changes: Readonly<Record<string, (now: number) => Promise<unknown>>> = {
  'got its lease back': () => extendOurs(broker, ['A']),
  'got a lease of somebody': (now) => client.zadd(keys.lease, now - 900, 'A'),
  'got another token': (now) => client.hset(keys.task('A'), leasedBy('them', now + 30)),
  'got the token of another run': (now) =>
    client.hset(keys.task('A'), leasedBy(OWNER, now + 30, RUN + 1)),
  'got another expiry': (now) => client.hset(keys.task('A'), leasedBy(OWNER, now + 31)),
  'lost its token': () => client.hdel(keys.task('A'), LEASE_FIELD),
  'left active': () => client.lrem(keys.active, 0, 'A'),
  'was extended and settled': async () => {
    await extendOurs(broker, ['A']);
    await settleOurs(broker, [{ kind: 'requeue', id: 'A' }]);
  },
};

for (const [change, make] of Object.entries(changes)) {
  test(`a task without lease that ${change} since it was listed is not recovered, and no byte changes`, async () => {
    const now = await earlyInSecond(client);
    await seed({ ...held(['A'], { leaseAt: now + 30 }), lease: {} });
    const [lost] = await broker.unleased(QUEUE);
    assert.equal(lost?.token, `${OWNER} ${RUN} ${now + 30}`);
    await make(now);
    const before = await bytesOf(client);
    const recovery = { token: lost.token, settlement: { kind: 'requeue', id: 'A' } } as const;
    assert.deepEqual(await broker.settleUnleased(QUEUE, [recovery]), ['lost']);
    assert.deepEqual(await bytesOf(client), before);
  });
}

test('a task without lease or token that has got a token since is not recovered', async () => {
  const now = await earlyInSecond(client);
  await seed({ ...active(['A'], now + 30), lease: {} });
  const before = await bytesOf(client);
  const recovery = { token: undefined, settlement: { kind: 'requeue', id: 'A' } } as const;
  assert.deepEqual(await broker.settleUnleased(QUEUE, [recovery]), ['lost']);
  assert.deepEqual(await bytesOf(client), before);
});
