import assert from 'node:assert/strict';
import type { LostTask, SettleReply, Settlement } from '../../src/broker/broker.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { BEGUN_FIELD, LEASE_FIELD, RETURNS_FIELD } from '../../src/wire/task-fields.ts';
import { queueState, type QueueState } from '../helpers/queue-state.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import { bytesOf, everyKind, goTakesOver } from './owner-tasks.ts';
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
const requeue: Settlement = { kind: 'requeue', id: 'A' };

/** The IDs that are listed so many seconds from now. */
async function listedIn(seconds: number): Promise<string[]> {
  return (await at(seconds).expiredLeases(QUEUE)).map(({ id }) => id);
}

/** Settles A so many seconds from now, as one that was seen with this token. */
async function recoverIn(
  seconds: number,
  token: string | undefined,
  settlement: Settlement = requeue,
): Promise<SettleReply | undefined> {
  const [reply] = await at(seconds).settleExpired(QUEUE, [{ token, settlement }]);
  return reply;
}

/** Several queue states with different tasks in one. */
function together(...parts: readonly Partial<QueueState>[]): Partial<QueueState> {
  return {
    active: parts.flatMap((part) => part.active ?? []),
    lease: Object.assign({}, ...parts.map(({ lease }) => lease)),
    tasks: Object.assign({}, ...parts.map(({ tasks }) => tasks)),
  };
}

test('a lease of ours is listed 2 s after its end, any other 30 s after, and nothing changes', async () => {
  const now = await earlyInSecond(client);
  await seed(
    together(
      active(['ours'], now),
      held(['theirs'], { leaseAt: now, owner: 'them@boot.1.2.3' }),
      nobodys(['without-token'], now),
      held(['other-score'], { leaseAt: now, fields: leasedBy(OWNER, now - 60) }),
      held(['later-token'], { leaseAt: now, fields: leasedBy(OWNER, now + 1) }),
      held(['odd-token'], { leaseAt: now, fields: { [LEASE_FIELD]: `${now}` } }),
      held(['odder-token'], { leaseAt: now, fields: { [LEASE_FIELD]: `us ${now}` } }),
    ),
  );
  const before = await bytesOf(client);
  const held2 = ['ours', 'theirs'];
  const rest = ['later-token', 'odd-token', 'odder-token', 'other-score', 'without-token'];
  const listed: [number, string[]][] = [
    [-1, []],
    [1, []],
    [2, held2],
    [29, held2],
    [30, [...held2, ...rest]],
  ];
  for (const [seconds, ids] of listed) {
    assert.deepEqual((await listedIn(seconds)).sort(), [...ids].sort(), `after ${seconds} s`);
  }
  assert.deepEqual(await bytesOf(client), before);
});

test('what is listed tells the token that holds, what was noted, and the message', async () => {
  const now = await earlyInSecond(client);
  const fields = { [BEGUN_FIELD]: '1' };
  await seed(
    together(
      held(['begun'], { leaseAt: now - 40, fields }),
      held(['returned'], { leaseAt: now - 39, fields: { [RETURNS_FIELD]: '4' } }),
      held(['of-go'], { leaseAt: now - 38, fields: leasedBy(OWNER, now - 90) }),
      nobodys(['without-token'], now - 37),
    ),
  );
  const facts = { hasBegun: false, returns: 0 };
  const wanted: readonly Omit<LostTask, 'message'>[] = [
    { ...facts, id: 'begun', token: `${OWNER} ${RUN} ${now - 40}`, hasBegun: true },
    { ...facts, id: 'returned', token: `${OWNER} ${RUN} ${now - 39}`, returns: 4 },
    { ...facts, id: 'of-go', token: undefined },
    { ...facts, id: 'without-token', token: undefined },
  ];
  const found = await broker.expiredLeases(QUEUE);
  assert.deepEqual(
    found.map((task) => ({ ...task, message: Buffer.from(task.message ?? []) })),
    wanted.map((task) => ({ ...task, message: message(task.id) })),
  );
  assert.equal(found[0]?.message?.buffer.byteLength, message('begun').length, 'owns its memory');
});

test('many Go leases that are over by less than their 30 s do not hide one of ours', async () => {
  const now = await earlyInSecond(client);
  const goes = Array.from({ length: 500 }, (_, i) => `go-${i}`);
  await seed(together(nobodys(goes, now - 10), active(['A'], now - 3)));
  assert.deepEqual(await listedIn(0), ['A']);
  assert.equal((await listedIn(20)).length, 100, 'at most so many at once');
});

for (const settlement of everyKind) {
  test(`${settlement.kind} of an expired task is written if nothing has changed since`, async () => {
    const now = await earlyInSecond(client);
    await seed(active(['A'], now - 2));
    const token = (await broker.expiredLeases(QUEUE))[0]?.token;
    assert.equal(await recoverIn(0, token, settlement), 'settled');
    const { active: running, lease } = await queueState(client, QUEUE);
    assert.deepEqual([running, lease], [[], {}]);
    assert.equal(await recoverIn(0, token, settlement), 'lost', 'and only once');
  });

  test(`${settlement.kind} of an expired task is refused while TIME has not come`, async () => {
    const now = await earlyInSecond(client);
    await seed(active(['A'], now));
    let before = await bytesOf(client);
    const token = `${OWNER} ${RUN} ${now}`;
    for (const seconds of [-10, 0, 1]) {
      assert.equal(await recoverIn(seconds, token, settlement), 'lost');
    }
    assert.deepEqual(await bytesOf(client), before);
    assert.equal(await recoverIn(2, token, settlement), 'settled');

    await seed(nobodys(['A'], now));
    before = await bytesOf(client);
    for (const seconds of [2, 29]) {
      assert.equal(await recoverIn(seconds, undefined, settlement), 'lost');
    }
    assert.deepEqual(await bytesOf(client), before);
    assert.equal(await recoverIn(30, undefined, settlement), 'settled');
  });
}

/** What may have happened to A, whose lease of ours ended at this second, after it was listed. */
const changes: Readonly<Record<string, (leaseAt: number) => Promise<unknown>>> = {
  'was extended at the last moment': (leaseAt) => seed(active(['A'], leaseAt + 60)),
  'was settled': () => settleOurs(broker, [requeue]),
  'was settled and leased again': async () => {
    await settleOurs(broker, [requeue]);
    await leaseOurs(broker);
  },
  'was handed on': (leaseAt) => seed(held(['A'], { leaseAt, owner: 'heir' })),
  'lost its lease entry': () => client.zrem(keys.lease, 'A'),
  'lost its token': () => client.hdel(keys.task('A'), LEASE_FIELD),
  'was taken over by a Go server': (leaseAt) => goTakesOver(client, 'A', leaseAt + 90),
  'got another score': () => client.zincrby(keys.lease, -1, 'A'),
  'left active': () => client.lrem(keys.active, 0, 'A'),
};

for (const [change, make] of Object.entries(changes)) {
  test(`a task that ${change} since it was listed is not recovered, and no byte changes`, async () => {
    const leaseAt = (await earlyInSecond(client)) - 5;
    await seed(active(['A'], leaseAt));
    const token = (await broker.expiredLeases(QUEUE))[0]?.token;
    assert.equal(token, `${OWNER} ${RUN} ${leaseAt}`);
    await make(leaseAt);
    const before = await bytesOf(client);
    assert.equal(await recoverIn(0, token), 'lost');
    assert.deepEqual(await bytesOf(client), before);
  });
}

test('a task of a Go server that was leased by us since it was listed is not recovered', async () => {
  const now = await earlyInSecond(client);
  await seed(nobodys(['A'], now - 31));
  assert.deepEqual(await listedIn(0), ['A']);
  for (const leaseAt of [now + 30, now - 31]) {
    await seed(active(['A'], leaseAt));
    const before = await bytesOf(client);
    assert.equal(await recoverIn(0, undefined), 'lost');
    assert.deepEqual(await bytesOf(client), before);
  }
});

test('a task that a Go server took over and lost is recovered, although the token of its first owner is still there', async () => {
  const now = await earlyInSecond(client);
  for (const settlement of everyKind) {
    await seed(active(['A'], now - 100));
    await goTakesOver(client, 'A', now);
    assert.deepEqual(await listedIn(29), []);
    const [lost] = await at(30).expiredLeases(QUEUE);
    assert.deepEqual([lost?.id, lost?.token], ['A', undefined]);
    assert.equal(await recoverIn(29, lost?.token, settlement), 'lost');
    assert.equal(await recoverIn(30, lost?.token, settlement), 'settled');
    assert.equal((await queueState(client, QUEUE)).tasks['A']?.[LEASE_FIELD], undefined);
  }
});

test('of a recoverer and an owner that extends late, exactly one wins', async () => {
  const now = await earlyInSecond(client);
  await seed(active(['A'], now - 2));
  const [lost] = await broker.expiredLeases(QUEUE);
  const [recovered, extended] = await Promise.all([
    recoverIn(0, lost?.token),
    extendOurs(broker, ['A']),
  ]);
  assert.deepEqual([recovered, extended.gone], ['settled', ['A']]);
});

test('of many recoverers one recovers', async () => {
  await seed(active(['A'], (await earlyInSecond(client)) - 2));
  const [lost] = await broker.expiredLeases(QUEUE);
  const recovery = { token: lost?.token, settlement: requeue };
  const replies = await Promise.all(
    Array.from({ length: 20 }, () => broker.settleExpired(QUEUE, [recovery])),
  );
  assert.equal(replies.flat().filter((reply) => reply === 'settled').length, 1);
  assert.deepEqual((await queueState(client, QUEUE)).pending, ['A']);
});
