import assert from 'node:assert/strict';
import { queueKeys, utcDay } from '../../src/wire/keys.ts';
import {
  decodeTaskMessage,
  rewriteTaskMessage,
  stampTaskMessage,
} from '../../src/wire/task-message.ts';
import { queueState, state, withoutPendingSince } from '../helpers/queue-state.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import { fullTask } from '../wire/golden.ts';
import { leasedBy, leaseOurs, message, OWNER, QUEUE, settleOurs, useBroker } from './tasks.ts';

const { at, broker, client, seed } = await useBroker();
const DAYS_90 = 7_776_000;

test('a unique task passes through the states that asynq was seen to leave behind', async () => {
  // The table of protocol section 28, row by row; the lock has no end here, so that no time of it passes.
  const lock = queueKeys(QUEUE).unique('t', Buffer.from('x'));
  const fields = { payload: Buffer.from('x'), uniqueKey: lock };
  const msg = message('A', fields);
  const now = await earlyInSecond(client);
  const locks = { [lock]: 'A' };
  const unique = { unique_key: lock };
  await seed({
    scheduled: { A: now },
    tasks: { A: { msg, state: 'scheduled', ...unique } },
    locks,
  });

  await broker.forward(QUEUE);
  const forwarded = await queueState(client, QUEUE);
  assert.ok(forwarded.tasks['A']?.['pending_since']);
  assert.deepEqual(
    withoutPendingSince(forwarded),
    state({ pending: ['A'], tasks: { A: { msg, state: 'pending', ...unique } }, locks }),
  );

  await leaseOurs(broker);
  assert.deepEqual(
    await queueState(client, QUEUE),
    state({
      active: ['A'],
      lease: { A: now + 30 },
      tasks: { A: { msg, state: 'active', ...unique, ...leasedBy(OWNER, now + 30) } },
      locks,
    }),
  );

  const change = rewriteTaskMessage(msg, { errorMsg: 'boom', retried: 1, stamp: 'lastFailedAt' });
  await settleOurs(broker, [{ kind: 'retry', id: 'A', message: change, delayMs: 0, counts: true }]);
  const retried = Buffer.from(stampTaskMessage(change, now));
  const day = utcDay(now * 1000);
  const counters = {
    processed: '1',
    failed: '1',
    [`processed:${day}`]: '1',
    [`failed:${day}`]: '1',
  };
  const found = await queueState(client, QUEUE);
  for (const seconds of Object.values(found.ttl)) assert.ok(DAYS_90 - seconds <= 1);
  assert.deepEqual(
    found,
    state({
      retry: { A: now },
      tasks: { A: { msg: retried, state: 'retry', ...unique } },
      locks,
      counters,
      ttl: found.ttl,
    }),
  );
  assert.deepEqual(Object.keys(found.ttl), [`failed:${day}`, `processed:${day}`]);

  await broker.forward(QUEUE);
  await leaseOurs(broker);
  const end = rewriteTaskMessage(retried, { stamp: 'completedAt' });
  const result = Buffer.from('r');
  await settleOurs(broker, [
    { kind: 'complete', id: 'A', uniqueKey: lock, message: end, retentionSeconds: 60, result },
  ]);
  const completed = Buffer.from(stampTaskMessage(end, now));
  const last = await queueState(client, QUEUE);
  assert.deepEqual(
    last,
    state({
      completed: { A: now + 60 },
      tasks: { A: { msg: completed, state: 'completed', ...unique, result } },
      counters: { ...counters, processed: '2', [`processed:${day}`]: '2' },
      ttl: last.ttl,
    }),
  );
});

test("the message that a script stamped is the protocol's own, byte for byte", async () => {
  await seed({});
  const now = await earlyInSecond(client);
  const golden = Buffer.from(fullTask.hex, 'hex');
  const { lastFailedAt, completedAt } = fullTask.value;
  // First without the two instants, which the scripts then put back at the times of the golden vector.
  const { head, tail } = rewriteTaskMessage(golden, { stamp: 'completedAt' });
  const bare = rewriteTaskMessage(Buffer.concat([head, tail]), { stamp: 'lastFailedAt' });
  const start = Buffer.concat([bare.head, bare.tail]);
  const failing = at(lastFailedAt - now);
  await failing.enqueue(QUEUE, [{ taskId: 'id-2', message: start }]);
  await leaseOurs(failing);
  const failure = rewriteTaskMessage(start, { stamp: 'lastFailedAt' });
  await settleOurs(failing, [
    { kind: 'retry', id: 'id-2', message: failure, delayMs: 0, counts: false },
  ]);
  const completing = at(completedAt - now);
  await completing.forward(QUEUE);
  const [leased] = (await leaseOurs(completing)).tasks;
  const success = rewriteTaskMessage(leased?.message ?? start, { stamp: 'completedAt' });
  await settleOurs(completing, [
    { kind: 'complete', id: 'id-2', uniqueKey: '', message: success, retentionSeconds: 86_400 },
  ]);
  const stored = await broker.getTask(QUEUE, 'id-2');
  assert.equal(Buffer.from(stored?.message ?? []).toString('hex'), fullTask.hex);
  assert.deepEqual(decodeTaskMessage(stored?.message ?? start).completedAt, completedAt);
});
