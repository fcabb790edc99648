import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  judgeProcess,
  judgeThreads,
  type MemoryRun,
  type ThreadUse,
} from '../../src/policy/memory-limit.ts';

function runs(...numbers: readonly number[]): MemoryRun[] {
  return numbers.map((run) => ({ run, isSuspect: false }));
}

function thread(given: Partial<ThreadUse>): ThreadUse {
  return { bytes: 101, runs: runs(1), isFresh: true, ...given };
}

test('the one task of a fresh thread over the limit is stopped', () => {
  assert.deepEqual(judgeThreads([thread({ bytes: 100 })], 100), { stop: [], suspect: [] });
  assert.deepEqual(judgeThreads([thread({})], 100), { stop: [1], suspect: [] });
});

test('of several tasks on a thread each becomes a suspect, and a thread without tasks nobody', () => {
  const threads = [thread({ runs: runs(3, 4) }), thread({ runs: [] })];
  assert.deepEqual(judgeThreads(threads, 100), { stop: [], suspect: [3, 4] });
});

test('on a thread that has run others before, a task is suspected first and stopped when it runs alone', () => {
  assert.deepEqual(judgeThreads([thread({ isFresh: false })], 100), { stop: [], suspect: [1] });
  const alone = thread({ isFresh: false, runs: [{ run: 1, isSuspect: true }] });
  assert.deepEqual(judgeThreads([alone], 100), { stop: [1], suspect: [] });
});

test('a process is over the limit only when all its threads together cannot explain its memory', () => {
  const use = { idleBytes: 50, threads: 2, runs: runs(7), isFresh: true };
  assert.deepEqual(judgeProcess({ ...use, rssBytes: 250 }, 100), { stop: [], suspect: [] });
  const over = { ...use, rssBytes: 251 };
  assert.deepEqual(judgeProcess(over, 100), { stop: [7], suspect: [] });
  assert.deepEqual(judgeProcess({ ...over, runs: runs(7, 8) }, 100), { stop: [], suspect: [7, 8] });
  assert.deepEqual(judgeProcess({ ...over, isFresh: false }, 100), { stop: [], suspect: [7] });
});
