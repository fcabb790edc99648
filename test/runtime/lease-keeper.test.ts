import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExtendCall, ExtendReply } from '../../src/broker/broker.ts';
import { systemClock } from '../../src/clock.ts';
import { type ActiveTask, ActiveTasks } from '../../src/runtime/active-tasks.ts';
import { BegunNotes } from '../../src/runtime/begun-notes.ts';
import { ServerEmitter } from '../../src/runtime/emitter.ts';
import { LeaseKeeper } from '../../src/runtime/lease-keeper.ts';
import { reportOf } from '../../src/runtime/run-report.ts';
import { until } from '../helpers/server.ts';

/** A keeper of these many running tasks, whose broker answers as told and keeps what it was asked. */
function keeperOf(count: number, answer: () => Promise<ExtendReply>) {
  const active = new ActiveTasks();
  for (let run = 1; run <= count; run += 1) {
    const ref = { id: `task-${run}`, queue: 'q' };
    active.add({ run, ref, phase: 'running', leaseEndsMonotonicMs: 0 } as ActiveTask);
  }
  const calls: ExtendCall[] = [];
  const extend = (call: ExtendCall): Promise<ExtendReply> => {
    calls.push(call);
    return answer();
  };
  const keeper = new LeaseKeeper({
    broker: { extend },
    active,
    stopper: { stop: () => undefined },
    emitter: new ServerEmitter(),
    clock: systemClock,
    leaseDurationMs: 60_000,
    serverName: 'us',
    notes: new BegunNotes(() => performance.now(), 'h:1:u'),
  });
  return { keeper, active, calls };
}

const taken = (): Promise<ExtendReply> => Promise.resolve({ gone: [], canceled: [] });

/** Lets the replies of what was asked be read. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

test('an extension takes along what is new, once, and asks for nothing more when nothing is', async () => {
  const { keeper, active, calls } = keeperOf(2, taken);
  const [first] = active.inSlots();
  assert.ok(first !== undefined);
  keeper.extendNow();
  reportOf(first).progress(1);
  keeper.extendNow();
  await settled();
  keeper.extendNow();
  assert.equal(calls.length, 3);
  assert.deepEqual(
    calls.map(({ tasks }) => tasks.map(({ report }) => report)),
    [
      [undefined, undefined],
      [{ progress: '1' }, undefined],
      [undefined, undefined],
    ],
  );
});

test('what an extension that failed had with it goes with the next', async () => {
  let tries = 0;
  const { keeper, active, calls } = keeperOf(1, () => {
    tries += 1;
    return tries === 1 ? Promise.reject(new Error('away')) : taken();
  });
  for (const task of active.inSlots())
    reportOf(task).log({ at: new Date(1), level: 'info', text: 'x' });
  for (let count = 1; count <= 3; count += 1) {
    keeper.extendNow();
    await until(() => calls.length === count);
    await settled();
  }
  const report = { log: '[[1,"info","x"]]' };
  assert.deepEqual(
    calls.map(({ tasks }) => tasks[0]?.report),
    [report, report, undefined],
  );
});

test('reports of many tasks are spread over several scripts, and each lease is in one of them', () => {
  const { keeper, active, calls } = keeperOf(200, taken);
  for (const task of active.inSlots()) reportOf(task).progress('x'.repeat(16_000));
  keeper.extendNow();
  assert.deepEqual(
    calls.flatMap(({ tasks }) => tasks.map(({ run }) => run)),
    Array.from({ length: 200 }, (_, index) => index + 1),
  );
  assert.equal(calls.length, 4);
  for (const { tasks } of calls) {
    const size = tasks.reduce((sum, { report }) => sum + (report?.progress?.length ?? 0), 0);
    assert.ok(size <= 1_048_576);
  }
});
