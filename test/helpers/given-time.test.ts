import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { givenTimeOf, startGivenTime } from './given-time.ts';
import { ranMs } from './kernel-times.ts';
import { until } from './server.ts';

const isLinux = process.platform === 'linux';

function workFor(ms: number): void {
  const end = ranMs() + ms;
  while (ranMs() < end);
}

test('time in which the process waits for an event, or works, counts', async () => {
  const clock = startGivenTime();
  await until(() => clock.ms() > 300);
  clock.stop();
  const working = await givenTimeOf(() => {
    workFor(300);
    return Promise.resolve();
  });
  assert.ok(working > 250, `${working} ms`);
});

test('time in which the loop stood without a core does not count', { skip: !isLinux }, async () => {
  const clock = startGivenTime();
  await sleep(20);
  const beforeMs = clock.ms();
  const cell = new Int32Array(new SharedArrayBuffer(4));
  Atomics.wait(cell, 0, 0, 1_000); // stands for a core that is not given: neither runs the loop
  await sleep(20);
  const tookMs = clock.ms() - beforeMs;
  clock.stop();
  assert.ok(tookMs < 500, `${tookMs} ms`);
});

test('time in which another process waited for a core does not count', {
  skip: !isLinux,
}, async () => {
  const core = 'for (;;) {}';
  // Twice as many as there are cores, and none ever rests: each waits half of the time.
  const rivals = Array.from({ length: 2 * availableParallelism() }, () =>
    spawn(process.execPath, ['-e', core], { stdio: 'ignore' }),
  );
  try {
    await Promise.all(rivals.map((rival) => once(rival, 'spawn')));
    const pids = rivals.map(({ pid = 0 }) => pid);
    const alone = await givenTimeOf(() => sleep(1_000));
    const withThem = await givenTimeOf(() => sleep(1_000), pids);
    assert.ok(withThem < alone - 200, `${withThem} of ${alone} ms`);
  } finally {
    for (const rival of rivals) rival.kill('SIGKILL');
  }
});
