import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ActiveTasks, type ActiveTask } from '../../src/runtime/active-tasks.ts';
import { Deadlines } from '../../src/runtime/deadlines.ts';
import type { StopReason } from '../../src/threads/messages.ts';
import { emptyTaskMessage } from '../../src/wire/task-message.ts';

// The watch itself keeps no process alive.
let alive: NodeJS.Timeout;
before(() => {
  alive = setInterval(() => undefined, 1_000);
});
after(() => clearInterval(alive));

/** Real time, with a wall clock that somebody sets. */
function setUp() {
  let stepMs = 0;
  const clock = {
    wallMs: () => Date.now() + stepMs,
    monotonicMs: () => performance.now(),
  };
  const active = new ActiveTasks();
  let onStop: (stopped: readonly [number, StopReason]) => void = () => undefined;
  const stopped = new Promise<readonly [number, StopReason]>((resolve) => {
    onStop = resolve;
  });
  const deadlines = new Deadlines({
    active,
    clock,
    stop: (task, reason) => {
      task.stop = reason;
      onStop([task.run, reason]);
    },
  });
  const run = (number: number, timeoutMs: number): void => {
    const task = runningTask(number, clock.wallMs() + timeoutMs);
    active.add(task);
    deadlines.watch(task);
  };
  return { run, stopped, deadlines, step: (ms: number) => (stepMs += ms) };
}

function runningTask(run: number, deadlineMs: number): ActiveTask {
  const { payload: _none, ...message } = emptyTaskMessage();
  return {
    run,
    ref: { id: `${run}`, type: 't', queue: 'q', retried: 0, maxRetry: 0 },
    raw: new Uint8Array(),
    message,
    handler: { file: '', url: '', pattern: '', hasSchema: false },
    maxRetry: 0,
    bounds: {},
    crashes: 0,
    isSuspect: false,
    waitedMs: undefined,
    leasedMonotonicMs: 0,
    leaseEndsMonotonicMs: Number.POSITIVE_INFINITY,
    phase: 'running',
    threadId: 1,
    startedWallMs: 0,
    deadline: { deadlineMs, reason: 'timeout' },
    stop: undefined,
    isStuck: false,
    isOffered: false,
    isSuspected: false,
  };
}

test('a wall clock that is set forward stops no task early', async () => {
  const { run, stopped, step } = setUp();
  run(1, 60_000);
  step(3_600_000);
  run(2, 5); // its end makes the watch look at all
  assert.deepEqual(await stopped, [2, 'timeout']);
});

test('a wall clock that is set back lets no task run longer', { timeout: 5_000 }, async () => {
  const { run, stopped, step } = setUp();
  run(1, 50);
  step(-3_600_000);
  assert.deepEqual(await stopped, [1, 'timeout']);
});

test('a deadline in a hundred years neither fires nor spins', async () => {
  const { run, stopped } = setUp();
  run(1, 100 * 365 * 86_400_000);
  run(2, 5);
  assert.deepEqual(await stopped, [2, 'timeout']);
});
