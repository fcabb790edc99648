import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ChildFacts,
  checkFleetLiveness,
  checkFleetReadiness,
  type FleetFacts,
  type HealthFacts,
} from '../../src/policy/health.ts';

const facts: HealthFacts = {
  loopLagMs: 0,
  lastHeartbeatAgeMs: 0,
  heartbeatIntervalMs: 5000,
  isRedisUp: true,
  threadsReady: 1,
  threadsTotal: 1,
  status: 'active',
  isRunning: true,
};

function child(given: Partial<ChildFacts> = {}): ChildFacts {
  return { pid: 7, silentMs: 100, facts, takesTasks: true, ...given };
}

function fleet(children: readonly ChildFacts[], given: Partial<FleetFacts> = {}): FleetFacts {
  return { loopLagMs: 0, maxSilenceMs: 10_000, isClosing: false, children, ...given };
}

test('a fleet whose children answer is alive and ready', () => {
  assert.deepEqual(checkFleetLiveness(fleet([child()])), { isOk: true, problems: [] });
  assert.deepEqual(checkFleetReadiness(fleet([child()])), { isOk: true, problems: [] });
});

test('a silent child is named, whatever it said last, and does not count as ready', () => {
  const silent = child({ pid: 9, silentMs: 10_001 });
  const problem = 'child process 9 has not answered for 10001 ms (limit 10000 ms)';
  assert.deepEqual(checkFleetLiveness(fleet([child(), silent])).problems, [problem]);
  assert.ok(checkFleetReadiness(fleet([child(), silent])).isOk);
  assert.deepEqual(checkFleetReadiness(fleet([silent])).problems, [
    'no child process is ready (0 of 1)',
    problem,
  ]);
});

test("what is wrong inside a child is told with its process ID, and so is the supervisor's own loop", () => {
  const slow = child({ facts: { ...facts, loopLagMs: 6000 } });
  assert.deepEqual(checkFleetLiveness(fleet([slow], { loopLagMs: 7000 })).problems, [
    "the supervisor's main loop stood still for 7000 ms (limit 5000 ms)",
    'child process 7: the main loop stood still for 6000 ms (limit 5000 ms)',
  ]);
});

test('a child that starts is alive but not ready, and one that runs suspects alone makes nobody ready', () => {
  const starting = child({ facts: undefined });
  assert.ok(checkFleetLiveness(fleet([starting])).isOk);
  assert.ok(!checkFleetReadiness(fleet([starting, child({ takesTasks: false })])).isOk);
});

test('without children, or while it shuts down, a fleet is not ready', () => {
  assert.deepEqual(checkFleetReadiness(fleet([])).problems, ['no child process is ready (0 of 0)']);
  assert.deepEqual(checkFleetReadiness(fleet([child()], { isClosing: true })).problems, [
    'the supervisor is shutting down',
  ]);
});
