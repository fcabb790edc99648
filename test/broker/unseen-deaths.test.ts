import assert from 'node:assert/strict';
import { queueKeys } from '../../src/wire/keys.ts';
import { BEGUN_FIELD, CRASHES_FIELD, SUSPECT_FIELD } from '../../src/wire/task-fields.ts';
import type { QueueState, TaskFields } from '../helpers/queue-state.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import { goTakesOver } from './owner-tasks.ts';
import { leasedBy, leaseOurs, message, OWNER, QUEUE, RUN, useBroker } from './tasks.ts';

const { broker, client, seed } = await useBroker();
const keys = queueKeys(QUEUE);
const BEGUN: TaskFields = { [BEGUN_FIELD]: '1' };

async function field(id: string, name: string): Promise<string | undefined> {
  return (await client.hget(keys.task(id), name)) ?? undefined;
}

/** What a Go recoverer leaves of an attempt of ours, back in pending with these fields beside it. */
function leftover(fields: TaskFields): Partial<QueueState> {
  const task = { msg: message('A'), state: 'pending', ...leasedBy('dead', 1000), ...fields };
  return { pending: ['A'], tasks: { A: task } };
}

/** Leases A; what the reply and the hash say of deaths. */
async function deathsAtLease(): Promise<{ reply: unknown[]; hash: unknown[] }> {
  const { tasks } = await leaseOurs(broker);
  assert.equal(tasks[0]?.id, 'A');
  assert.equal(await field('A', BEGUN_FIELD), undefined, 'the next attempt has not begun');
  return {
    reply: [tasks[0].crashes, tasks[0].isSuspect],
    hash: [await field('A', CRASHES_FIELD), await field('A', SUSPECT_FIELD)],
  };
}

const SUSPECT: TaskFields = { [SUSPECT_FIELD]: '1' };

test('a begun attempt that a Go server recovered makes the task a suspect at its next lease', async () => {
  await seed(leftover(BEGUN));
  assert.deepEqual(await deathsAtLease(), { reply: [0, true], hash: [undefined, '1'] });
  await seed(leftover({ ...BEGUN, [CRASHES_FIELD]: '2' }));
  assert.deepEqual(await deathsAtLease(), { reply: [2, true], hash: ['2', '1'] });
});

test('a begun attempt of a suspect that a Go server recovered counts as a crash at its next lease', async () => {
  await seed(leftover({ ...BEGUN, ...SUSPECT }));
  assert.deepEqual(await deathsAtLease(), { reply: [1, true], hash: ['1', '1'] });
  await seed(leftover({ ...BEGUN, ...SUSPECT, [CRASHES_FIELD]: '9' }));
  assert.deepEqual(await deathsAtLease(), { reply: [10, true], hash: ['10', '1'] });
});

test('a crash is counted also where somebody wrote what is no number', async () => {
  await seed(leftover({ ...BEGUN, ...SUSPECT, [CRASHES_FIELD]: 'many' }));
  assert.deepEqual(await deathsAtLease(), { reply: [1, true], hash: ['1', '1'] });
});

test('an attempt that a Go server recovered before it was noted as begun costs nothing', async () => {
  for (const begun of [{}, { [BEGUN_FIELD]: '0' }]) {
    await seed(leftover(begun));
    assert.deepEqual(await deathsAtLease(), { reply: [0, false], hash: [undefined, undefined] });
    await seed(leftover({ ...begun, ...SUSPECT, [CRASHES_FIELD]: '1' }));
    assert.deepEqual(await deathsAtLease(), { reply: [1, true], hash: ['1', '1'] });
  }
});

test('a note without a token costs nothing, and does not outlive the next lease', async () => {
  await seed({ pending: ['A'], tasks: { A: { msg: message('A'), state: 'pending', ...BEGUN } } });
  assert.deepEqual(await deathsAtLease(), { reply: [0, false], hash: [undefined, undefined] });
});

test('deaths that only a Go server saw are counted one after the other', async () => {
  const seen: unknown[] = [];
  await seed({ pending: ['A'], tasks: { A: { msg: message('A'), state: 'pending' } } });
  for (let death = 0; death < 4; death++) {
    seen.push((await deathsAtLease()).reply);
    const now = await earlyInSecond(client);
    await broker.extend({
      queue: QUEUE,
      leaseMs: 30_000,
      server: OWNER,
      tasks: [{ id: 'A', run: RUN, hasBegun: true }],
    });
    await goTakesOver(client, 'A', now + 90);
    // As a Go server that shuts down (protocol 9.4).
    await client
      .multi()
      .lrem(keys.active, 0, 'A')
      .zrem(keys.lease, 'A')
      .rpush(keys.pending, 'A')
      .hset(keys.task('A'), 'state', 'pending')
      .exec();
  }
  assert.deepEqual(seen, [
    [0, false],
    [0, true],
    [1, true],
    [2, true],
  ]);
});
