import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client } from '../../src/index.ts';
import { runUntilSignal } from '../../src/runtime/signals.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { fixture } from '../helpers/paths.ts';
import { useRedis } from '../helpers/redis.ts';
import { until } from '../helpers/server.ts';

const redis = await useRedis();
const program = fileURLToPath(new URL('../helpers/run-server.js', import.meta.url));

interface RunningServer {
  readonly child: ChildProcess;
  /** Resolves when a line of its output fits. */
  says(pattern: RegExp): Promise<void>;
}

async function launch(queue: string, options: object = {}): Promise<RunningServer> {
  const args = [redis.url, fixture('acts'), JSON.stringify({ queues: { [queue]: 1 }, ...options })];
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  after(() => child.kill('SIGKILL'));
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  const says = (pattern: RegExp): Promise<void> =>
    until(() => lines.some((line) => pattern.test(line)));
  await says(/"msg":"started"/);
  return { child, says };
}

async function exitOf(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return [code, signal];
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} lets the running task finish and ends with exit code 0`, async () => {
    const queue = `q-${signal}`;
    const client = new Client({ redis: redis.url });
    const { child, says } = await launch(queue);
    const { id } = await client.enqueue(
      { type: 'chatter', payload: { ms: 500 } },
      { queue, retention: '1h' },
    );
    await says(new RegExp(`began ${id}`));
    const exit = exitOf(child);
    child.kill(signal);
    assert.deepEqual(await exit, [0, null]);
    assert.equal((await client.getTask({ id, queue }))?.state, 'completed');
    await client.close();
  });
}

test('SIGTSTP stops pulling but finishes what runs; SIGTERM then ends the process', async () => {
  const queue = 'q-tstp';
  const keys = queueKeys(queue);
  const client = new Client({ redis: redis.url });
  const { child, says } = await launch(queue);
  const first = await client.enqueue(
    { type: 'chatter', payload: { ms: 500 } },
    { queue, retention: '1h' },
  );
  await says(new RegExp(`began ${first.id}`));
  child.kill('SIGTSTP');
  await says(/stopped pulling/);
  await client.enqueue({ type: 'ok' }, { queue });
  await until(async () => (await client.getTask({ id: first.id, queue }))?.state === 'completed');
  assert.equal(await redis.client.llen(keys.pending), 1);
  const exit = exitOf(child);
  child.kill('SIGTERM');
  assert.deepEqual(await exit, [0, null]);
  assert.equal(await redis.client.llen(keys.pending), 1);
  await client.close();
});

test('a signal that arrives twice at once, as Ctrl-C under npm does, is one signal', async () => {
  const queue = 'q-at-once';
  const client = new Client({ redis: redis.url });
  const { child, says } = await launch(queue);
  const { id } = await client.enqueue(
    { type: 'chatter', payload: { ms: 500 } },
    { queue, retention: '1h' },
  );
  await says(new RegExp(`began ${id}`));
  const exit = exitOf(child);
  child.kill('SIGINT');
  child.kill('SIGTERM');
  assert.deepEqual(await exit, [0, null]);
  assert.equal((await client.getTask({ id, queue }))?.state, 'completed');
  await client.close();
});

test('a second signal ends a shutdown that takes its time', async () => {
  const queue = 'q-twice';
  const client = new Client({ redis: redis.url });
  const { child, says } = await launch(queue, { shutdownTimeout: '1m' });
  const { id } = await client.enqueue({ type: 'wait' }, { queue });
  await says(new RegExp(`began ${id}`));
  const exit = exitOf(child);
  child.kill('SIGTERM');
  await says(/shutting down/);
  // Within a second it counts as the same signal; so it is sent until the process ends.
  const again = setInterval(() => child.kill('SIGTERM'), 100);
  assert.deepEqual(await exit, [1, null]);
  clearInterval(again);
  await client.close();
});

test('SIGTSTP during the start stops pulling as soon as the server has started', async () => {
  const calls: string[] = [];
  let isStarted = false;
  await runUntilSignal({
    start: async () => {
      process.emit('SIGTSTP');
      isStarted = true;
    },
    stop: async () => {
      calls.push(isStarted ? 'stopped' : 'not started');
      if (isStarted) throw new Error('ends this test');
    },
    shutdown: async () => calls.push('shut down'),
    force: () => calls.push('forced'),
  });
  assert.deepEqual(calls, ['not started', 'stopped', 'shut down']);
});
