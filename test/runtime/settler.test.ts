import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SettleCall, SettleReply, Settlement, StoredTask } from '../../src/broker/broker.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import { RedisUnreachableError, ReplyLostError } from '../../src/errors.ts';
import { Settler } from '../../src/runtime/settler.ts';

/** A settler whose broker answers as told and keeps what it was asked. */
function settlerWith(
  answer: (asked: readonly Settlement[]) => Promise<SettleReply[]>,
  { clock = systemClock, stored }: { clock?: Clock; stored?: StoredTask } = {},
): {
  settler: Settler;
  asked: (readonly Settlement[])[];
  settle(id: string, leaseMs: number): Promise<SettleReply>;
} {
  const asked: (readonly Settlement[])[] = [];
  const broker = {
    getTask: () => Promise.resolve(stored),
    settle: ({ settlements }: SettleCall) => {
      const asks = settlements.map(({ settlement }) => settlement);
      asked.push(asks);
      return answer(asks);
    },
  };
  const notes = { dueIn: () => [], noted: () => undefined };
  const rest = { serverName: 'server', notes, onFault: () => undefined };
  const settler = new Settler({ broker, clock, ...rest });
  const settle = (id: string, leaseMs: number): Promise<SettleReply> =>
    new Promise((resolve) => {
      settler.settle({
        queue: 'q',
        run: 1,
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

/** A turn of the loop in which all that was due has run. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

test('what ends right after a script shares the next one over several turns, what ends later waits for none', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  let nowMs = 0;
  const clock = { ...systemClock, monotonicMs: () => nowMs };
  const { asked, settle } = settlerWith((list) => Promise.resolve(list.map(() => 'settled')), {
    clock,
  });
  const ids = (): string[] => asked.map((list) => list.map(({ id }) => id).join());
  const first = settle('a', 1_000);
  await turn();
  assert.deepEqual(ids(), ['a']);
  await first;
  const busy = [settle('b', 1_000)];
  await turn();
  busy.push(settle('c', 1_000));
  await turn();
  assert.deepEqual(ids(), ['a']);
  context.mock.timers.tick(2);
  await Promise.all(busy);
  assert.deepEqual(ids(), ['a', 'b,c']);
  nowMs += 2;
  const last = settle('d', 1_000);
  await turn();
  assert.deepEqual(ids(), ['a', 'b,c', 'd']);
  await last;
});

test('a full script goes with the next turn, however soon after the last one', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const clock = { ...systemClock, monotonicMs: () => 0 };
  const { asked, settle } = settlerWith((list) => Promise.resolve(list.map(() => 'settled')), {
    clock,
  });
  await settle('a', 1_000);
  const many = Array.from({ length: 128 }, (_, index) => settle(`${index}`, 1_000));
  await turn();
  assert.deepEqual(
    asked.map((list) => list.length),
    [1, 128],
  );
  await Promise.all(many);
});

test('an outcome that came in time is repeated beyond the end of its lease, until Redis takes it', async () => {
  let tries = 0;
  const { asked, settle } = settlerWith((list) => {
    tries += 1;
    return tries < 4 ? unreachable() : Promise.resolve(list.map(() => 'settled'));
  });
  // The fourth try comes 350 ms after the first.
  assert.equal(await settle('a', 100), 'settled');
  assert.equal(asked.length, 4);
});

test('five minutes after the end of its lease an outcome is given up, and nothing is written', async () => {
  let nowMs = 0;
  const clock = { ...systemClock, monotonicMs: () => nowMs };
  const { settler, asked, settle } = settlerWith(
    () => {
      nowMs += 299_999;
      return unreachable();
    },
    { clock },
  );
  assert.equal(await settle('a', 1_000 - performance.now()), 'lost');
  assert.equal(asked.length, 2);
  await settler.stop();
  assert.equal(asked.length, 2);
});

test('after a lost reply "not ours" means that the first time did it', async () => {
  let calls = 0;
  const { settle } = settlerWith(() => {
    calls += 1;
    return calls === 1 ? Promise.reject(new ReplyLostError('redis')) : Promise.resolve(['lost']);
  });
  assert.equal(await settle('a', 5_000), 'settled');
});

test('after a lost reply a task that is active again was recovered: its outcome is lost', async () => {
  let calls = 0;
  const stored = { message: new Uint8Array(), state: 'active' };
  const { settle } = settlerWith(
    () => {
      calls += 1;
      return calls === 1 ? Promise.reject(new ReplyLostError('redis')) : Promise.resolve(['lost']);
    },
    { stored },
  );
  assert.equal(await settle('a', 5_000), 'lost');
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
