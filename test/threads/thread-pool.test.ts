import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { PoolListener } from '../../src/threads/pool-listener.ts';
import { ThreadPool } from '../../src/threads/thread-pool.ts';
import { fixture } from '../helpers/paths.ts';

const ignore = (): void => undefined;
const deaf: PoolListener = {
  onBegun: ignore,
  onProgress: ignore,
  onLog: ignore,
  onEnqueue: ignore,
  onOutcome: ignore,
  onDied: ignore,
  onUncaught: ignore,
  onThreadExit: ignore,
  onFault: ignore,
};

function onePool(): ThreadPool {
  return new ThreadPool({
    threads: 1,
    settings: { middleware: [], tasksPerThread: 2, maxResultSize: 1_000, logLevel: 'silent' },
  });
}

function hand(pool: ThreadPool, run: number): void {
  const handler = { url: pathToFileURL(fixture('acts/spin.js')).href, pattern: 'spin' };
  const payload = new Uint8Array();
  const task = { id: `${run}`, type: 'spin', queue: 'q', headers: {}, retried: 0, maxRetry: 0 };
  pool.hand({ run, handler, payload, keepsResult: false, ...task });
}

test('at its end a run that waits behind another is told of, one that has begun is not', async () => {
  const died: number[] = [];
  let onBegun: () => void = ignore;
  const begun = new Promise<void>((resolve) => {
    onBegun = resolve;
  });
  const pool = onePool();
  await pool.start({ ...deaf, onBegun, onDied: (run) => died.push(run) });
  hand(pool, 1);
  await begun;
  hand(pool, 2);
  await pool.destroy();
  assert.deepEqual(died, [2]);
});

test('a pool that is ended while it starts says so at once', { timeout: 10_000 }, async () => {
  const pool = onePool();
  const rejected = assert.rejects(pool.start(deaf), /ended while they started/);
  await pool.destroy();
  await rejected;
  // Whatever a thread said before its end has been heard two turns later.
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  assert.equal(pool.ready, 0);
});
