/** What a dispatcher asks of Redis when it is idle and a task comes, in order. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { LeaseReply, OnQueues } from '../../src/broker/broker.ts';
import { systemClock } from '../../src/clock.ts';
import { ActiveTasks } from '../../src/runtime/active-tasks.ts';
import { Dispatcher } from '../../src/runtime/dispatcher.ts';
import { ServerEmitter } from '../../src/runtime/emitter.ts';
import type { Intake } from '../../src/runtime/intake.ts';

interface Idle {
  /** `lease` and `look`, as they were asked. */
  readonly asked: string[];
  /** What the next lease finds. */
  tasks: number;
  /** Called within a look. */
  onLook: () => void;
  /** Resolves when the dispatcher sleeps, after so many looks. */
  asleep(looks: number): Promise<void>;
  tell(): void;
}

/** A dispatcher on one queue, which has begun and got a task: from now on it acts on each change at once. */
async function idleDispatcher(t: TestContext): Promise<Idle> {
  let onChange: OnQueues = () => undefined;
  let onLooked: () => void = () => undefined;
  const idle: Idle = {
    asked: [],
    tasks: 1,
    onLook: () => undefined,
    async asleep(looks) {
      while (idle.asked.filter((call) => call === 'look').length < looks) {
        await new Promise<void>((resolve) => {
          onLooked = resolve;
        });
      }
      // From the answer to the sleep no turn of the loop passes.
      await new Promise((resolve) => setImmediate(resolve));
    },
    tell: () => onChange(['q']),
  };
  const dispatcher = new Dispatcher({
    broker: {
      lease: () => {
        idle.asked.push('lease');
        const reply = replyOf(idle.tasks);
        idle.tasks = 0;
        return Promise.resolve(reply);
      },
      watchQueues: (_duty, listener) => {
        onChange = listener;
        const arm = (): Promise<number[]> => {
          idle.asked.push('look');
          idle.onLook();
          onLooked();
          return Promise.resolve([Number.POSITIVE_INFINITY]);
        };
        return { arm, close: () => Promise.resolve() };
      },
    },
    intake: { accept: () => undefined } as unknown as Intake,
    emitter: new ServerEmitter(),
    active: new ActiveTasks(),
    hooks: { mayLease: () => true },
    clock: systemClock,
    queues: { q: 1 },
    strictPriority: false,
    concurrency: 2,
    leaseDurationMs: 30_000,
    pollIntervalMs: 60_000,
    serverName: 'server',
    runs: { reserve: () => 1 },
    notes: { dueIn: () => [], noted: () => undefined },
    lostLeases: { add: () => undefined },
    isHeld: () => false,
    returned: { next: undefined, onReply: () => undefined },
    finisher: { giveBack: () => undefined },
    withdraw: () => false,
  });
  t.after(() => dispatcher.stop());
  dispatcher.start();
  await idle.asleep(1);
  return idle;
}

function replyOf(tasks: number): LeaseReply {
  const task = { message: undefined, waitedMs: undefined, crashes: 0, isSuspect: false };
  const ids = Array.from({ length: tasks }, (_, index) => `task-${index}`);
  return { tasks: ids.map((id) => ({ ...task, id, run: 1 })), dropped: [], more: false };
}

test('a lease that emptied the queue is followed by one look, and by no lease that finds nothing', async (t) => {
  const idle = await idleDispatcher(t);
  assert.deepEqual(idle.asked, ['lease', 'look']);
  idle.tasks = 1;
  idle.tell();
  await idle.asleep(2);
  assert.deepEqual(idle.asked, ['lease', 'look', 'lease', 'look']);
});

test('a sleeper has its lease on its way within the call that tells of the change', async (t) => {
  const idle = await idleDispatcher(t);
  idle.tasks = 1;
  idle.tell();
  assert.deepEqual(idle.asked, ['lease', 'look', 'lease']);
});

test('what the own lease has changed, told while it is looked at, makes no loser', async (t) => {
  const idle = await idleDispatcher(t);
  idle.tasks = 1;
  idle.onLook = () => {
    idle.onLook = () => undefined;
    idle.tell();
  };
  idle.tell();
  await idle.asleep(3);
  assert.deepEqual(idle.asked.slice(2), ['lease', 'look', 'lease', 'look']);
  idle.tell();
  assert.equal(idle.asked[6], 'lease', 'it leases at once, still');
});
