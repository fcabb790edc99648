import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SettleReply, Settlement } from '../../src/broker/broker.ts';
import { systemClock } from '../../src/clock.ts';
import { RedisUnreachableError, ReplyLostError } from '../../src/errors.ts';
import { Settler } from '../../src/runtime/settler.ts';

/** A settler whose broker answers as told and keeps what it was asked. */
function settlerWith(answer: (asked: readonly Settlement[]) => Promise<SettleReply[]>): {
  settler: Settler;
  asked: (readonly Settlement[])[];
  settle(id: string, leaseMs: number): Promise<SettleReply>;
} {
  const asked: (readonly Settlement[])[] = [];
  const broker = {
    settle: (_queue: string, settlements: readonly Settlement[]) => {
      asked.push(settlements);
      return answer(settlements);
    },
  };
  const settler = new Settler({ broker, clock: systemClock, onFault: () => undefined });
  const settle = (id: string, leaseMs: number): Promise<SettleReply> =>
    new Promise((resolve) => {
      settler.settle({
        queue: 'q',
        settlement: { kind: 'done', id, uniqueKey: '' },
        leaseEndsMonotonicMs: performance.now() + leaseMs,
        onSettled: resolve,
      });
    });
  return { settler, asked, settle };
}

const unreachable = (): Promise<never> => Promise.reject(new RedisUnreachableError('redis', 1));

test('what ends in one turn of the loop shares a round trip', async () => {
  const { asked, settle } = settlerWith((list) => Promise.resolve(list.map(() => 'settled')));
  const replies = await Promise.all(['a', 'b', 'c'].map((id) => settle(id, 1_000)));
  assert.deepEqual(replies, ['settled', 'settled', 'settled']);
  assert.deepEqual(
    asked.map((list) => list.map(({ id }) => id)),
    [['a', 'b', 'c']],
  );
});

test('an acknowledgement that fails is repeated until the lease ends, and then nothing is written', async () => {
  const { settler, asked, settle } = settlerWith(unreachable);
  assert.equal(await settle('a', 400), 'lost');
  const tries = asked.length;
  assert.ok(tries >= 2, `${tries} tries`);
  await settler.stop();
  assert.equal(asked.length, tries);
});

test('a lease that is over already is not written at all', async () => {
  const { asked, settle } = settlerWith((list) => Promise.resolve(list.map(() => 'settled')));
  assert.equal(await settle('a', -1), 'lost');
  assert.deepEqual(asked, []);
});

test('after a lost reply "not ours" means that the first time did it', async () => {
  let calls = 0;
  const { settle } = settlerWith(() => {
    calls += 1;
    return calls === 1 ? Promise.reject(new ReplyLostError('redis')) : Promise.resolve(['lost']);
  });
  assert.equal(await settle('a', 5_000), 'settled');
});

test('after a try that was never sent "not ours" means just that', async () => {
  let calls = 0;
  const { settle } = settlerWith(() => {
    calls += 1;
    return calls === 1 ? unreachable() : Promise.resolve(['lost']);
  });
  assert.equal(await settle('a', 5_000), 'lost');
});

test('stop() gives up when its signal aborts', async () => {
  const { settler, settle } = settlerWith(unreachable);
  const settled = settle('a', 60_000);
  const overtime = new AbortController();
  const stopped = settler.stop(overtime.signal);
  overtime.abort();
  await stopped;
  assert.equal(await settled, 'lost');
});
