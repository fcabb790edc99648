import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareStops, promised, sampled } from '../../bench/measures/stop-rows.ts';
import { BareWorker } from '../../bench/stop/bare-worker.ts';
import { StopPool } from '../../bench/stop/stop-pool.ts';
import { nowMs } from '../../bench/work/first-line.ts';

test('the slow ones are held against the promise, the middle one against the peers alone', async () => {
  let last = 0;
  const ours = sampled('ours', 3, () => Promise.resolve((last += 1)));
  const rows = await compareStops({
    turns: [ours, sampled('peer', 1, () => Promise.resolve(2)), promised(10)],
    rounds: 1,
    title: 'stop',
    percents: [50, 100],
  });
  const facts = rows.map(({ title, peer, ours: figure, ratio }) => [
    title,
    peer,
    figure,
    ratio.median,
  ]);
  assert.deepEqual(facts, [
    ['stop, p50', 'peer', 2, 1],
    ['stop, p100', 'peer', 3, 1.5],
    ['stop, p100', 'promised', 3, 0.3],
  ]);
});

test('a bare thread tells when it was stopped, by message and by flag, and ends when it never looks', async () => {
  const worker = new BareWorker();
  await worker.ready;
  for (const [order, by] of [
    ['listen', 'message'],
    ['poll', 'flag'],
    ['listen', 'message'],
  ] as const) {
    await worker.begin(order);
    const told = nowMs();
    const stopped = await worker.stop(by);
    assert.ok(stopped >= told && stopped <= nowMs(), `${order}: ${stopped - told} ms`);
  }
  await worker.begin('tight');
  await worker.terminate();
});

test('the pool tells when its handlers were stopped, and what a call costs', async () => {
  const pool = new StopPool(1);
  await pool.start();
  try {
    for (const handler of ['listen', 'poll'] as const) {
      const run = pool.hand(handler);
      await run.running;
      const told = nowMs();
      pool.stop(run);
      const stopped = await run.answer;
      assert.ok(stopped >= told && stopped <= nowMs(), `${handler}: ${stopped - told} ms`);
    }
    const run = pool.hand('tight');
    await run.running;
    await pool.terminate(run);
    await assert.rejects(run.answer, /gave no answer/);
    await pool.hand('ok').begun;
    for (const what of ['load', 'throwIfCanceled', 'heartbeat'] as const) {
      const ns = await pool.hand('calls', { what, count: 100_000 }).answer;
      assert.ok(ns > 0 && ns < 100_000, `${what}: ${ns} ns`);
    }
  } finally {
    await pool.close();
  }
});
