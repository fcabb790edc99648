import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeLatency } from '../../src/policy/doctor/judge-redis.ts';

/** Answers that took so many milliseconds. */
function judged(...tookMs: number[]): string {
  const samples = tookMs.map((ms) => ({ askedAt: 0, answeredAt: ms, redisAt: 0 }));
  return judgeLatency(samples).status;
}

test('Redis answers in time unless half of the answers take 20 ms, and far too late from 250 ms on', () => {
  assert.equal(judged(1, 19, 300), 'ok');
  assert.equal(judged(1, 20, 300), 'warning');
  assert.equal(judged(250, 1, 300), 'problem');
});
