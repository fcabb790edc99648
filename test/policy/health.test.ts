import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkLiveness, checkReadiness, type HealthFacts } from '../../src/policy/health.ts';

const HEALTHY: HealthFacts = {
  loopLagMs: 3,
  lastHeartbeatAgeMs: 4000,
  heartbeatIntervalMs: 5000,
  isRedisUp: true,
  threadsReady: 2,
  threadsTotal: 2,
  status: 'active',
  isRunning: true,
};

test('a healthy server is alive and ready', () => {
  assert.deepEqual(checkLiveness(HEALTHY), { isOk: true, problems: [] });
  assert.deepEqual(checkReadiness(HEALTHY), { isOk: true, problems: [] });
});

test('a loop that stood still for more than 5 s is not alive', () => {
  assert.equal(checkLiveness({ ...HEALTHY, loopLagMs: 5000 }).isOk, true);
  const verdict = checkLiveness({ ...HEALTHY, loopLagMs: 5001 });
  assert.match(verdict.problems.join(), /stood still for 5001 ms/);
});

test('a heartbeat that has not run for three intervals is not alive', () => {
  assert.equal(checkLiveness({ ...HEALTHY, lastHeartbeatAgeMs: 15_000 }).isOk, true);
  const verdict = checkLiveness({ ...HEALTHY, lastHeartbeatAgeMs: 15_001 });
  assert.match(verdict.problems.join(), /heartbeat has not run for 15001 ms/);
});

test('a server that has not started yet is alive but not ready', () => {
  const facts = {
    ...HEALTHY,
    lastHeartbeatAgeMs: undefined,
    isRedisUp: false,
    threadsReady: 0,
    status: 'starting',
    isRunning: false,
  };
  assert.equal(checkLiveness(facts).isOk, true);
  assert.deepEqual(checkReadiness(facts).problems, [
    'the server is starting',
    'Redis is not reachable',
    'no thread is ready (0 of 2)',
  ]);
});

test('a server without Redis is not ready, but a restart would not help', () => {
  assert.equal(checkReadiness({ ...HEALTHY, isRedisUp: false }).isOk, false);
  assert.equal(checkLiveness({ ...HEALTHY, isRedisUp: false }).isOk, true);
});

test('one thread that is being replaced does not make the others unready', () => {
  assert.equal(checkReadiness({ ...HEALTHY, threadsReady: 1 }).isOk, true);
  assert.equal(checkReadiness({ ...HEALTHY, threadsReady: 0 }).isOk, false);
});

test('a server that shuts down is not ready and says so', () => {
  const verdict = checkReadiness({ ...HEALTHY, status: 'closing', isRunning: false });
  assert.deepEqual(verdict.problems, ['the server is closing']);
});

test('a Redis that refuses to write makes a server not ready, in its own words, but leaves it alive', () => {
  const facts = { ...HEALTHY, redisRefusal: 'OOM command not allowed' };
  assert.deepEqual(checkReadiness(facts).problems, [
    'Redis refuses to write: OOM command not allowed',
  ]);
  assert.equal(checkLiveness(facts).isOk, true);
});
