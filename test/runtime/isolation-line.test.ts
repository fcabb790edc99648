/** The line of suspects in a server without supervisor, when its process stood still for longer than a lease. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ActiveTask, activeTask, ActiveTasks } from '../../src/runtime/active-tasks.ts';
import { IsolationHere } from '../../src/runtime/isolation.ts';
import { emptyTaskMessage } from '../../src/wire/task-message.ts';
import { until } from '../helpers/server.ts';

const LEASE_MS = 30_000;

function leased(run: number, isSuspect: boolean): ActiveTask {
  return activeTask({
    run,
    ref: { id: `task-${run}`, type: 't', queue: 'q', retried: 0, maxRetry: 25 },
    raw: new Uint8Array(),
    message: emptyTaskMessage(),
    handler: { file: '', url: '', pattern: 't', hasSchema: false },
    maxRetry: 25,
    bounds: {},
    crashes: 0,
    isSuspect,
    waitedMs: 5,
    leasedMonotonicMs: 0,
    leaseEndsMonotonicMs: LEASE_MS,
  });
}

/** A suspect that waits for the one task beside it; `end` ends that. */
function makeLine() {
  const active = new ActiveTasks();
  const handed: ActiveTask[] = [];
  const clock = { nowMs: 0 };
  const line = new IsolationHere({
    active,
    runner: { run: (task) => void handed.push(task) },
    clock: { wallMs: () => clock.nowMs, monotonicMs: () => clock.nowMs },
    onReleased: () => undefined,
  });
  const [beside, suspect] = [leased(1, false), leased(2, true)];
  active.add(beside);
  active.begun(beside);
  active.add(suspect);
  line.run(suspect, new Uint8Array());
  const end = async (): Promise<void> => {
    active.remove(beside);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { active, line, handed, clock, suspect, end };
}

test('a suspect runs as soon as nothing is beside it', async () => {
  const { handed, suspect, end } = makeLine();
  assert.deepEqual(handed, []);
  await end();
  assert.deepEqual(handed, [suspect]);
});

test('a suspect whose lease has ended meanwhile is left to the fence, and then holds nobody up', async () => {
  const { active, line, handed, clock, suspect, end } = makeLine();
  clock.nowMs = LEASE_MS + 1;
  await end();
  assert.deepEqual([handed, line.isHolding], [[], true]);
  assert.equal(line.withdraw(suspect), true); // what the fence does
  active.remove(suspect);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([handed, line.isHolding], [[], false]);
});

test('a suspect whose lease was extended after all runs', async () => {
  const { handed, clock, suspect, end } = makeLine();
  clock.nowMs = LEASE_MS + 1;
  await end();
  assert.deepEqual(handed, []);
  suspect.leaseEndsMonotonicMs = 2 * LEASE_MS; // its reply lay unread while the process stood still
  await until(() => handed.length > 0);
  assert.deepEqual(handed, [suspect]);
});
