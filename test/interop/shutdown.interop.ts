/** Point 10: what an orderly shutdown leaves for the other side's servers, and what the tools see of a stopped one. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { queueKeys } from '../../src/wire/keys.ts';
import { endWithParent } from '../helpers/redis.ts';
import { until } from '../helpers/server.ts';
import type { GoVersion } from './peer.ts';
import { HANDLERS, type Stage } from './stage.ts';
import { point, walk } from './walk.ts';

const RUN_SERVER = fileURLToPath(new URL('../helpers/run-server.js', import.meta.url));
const VERSIONS: readonly GoVersion[] = ['0.26.0', '0.24.1'];

await walk('shutdown', (stage) => {
  for (const version of VERSIONS) {
    point(
      stage,
      { point: 10, direction: 'Threadmill to Go', version },
      'a task that our shutdown cut off is the next that a Go server runs, and spends nothing',
      () => goRunsOurs(stage, version),
    );
    point(
      stage,
      { point: 10, direction: 'Go to Threadmill', version },
      "a task that Go's shutdown cut off is the next that our server runs, and spends nothing",
      () => weRunGos(stage, version),
    );
  }
  point(
    stage,
    { point: 10, direction: 'Threadmill to Go', version: 'CLI' },
    'after SIGTSTP the tools show our server as stopped, after SIGTERM not at all',
    () => stops(stage),
  );
  point(
    stage,
    { point: 10, direction: 'Go to Threadmill', version: '0.26.0' },
    'a Go server hears SIGTSTP and SIGTERM while ours works on',
    () => goStops(stage),
  );
});

/** `cut` runs when the server is told to end, with `waiting` behind it. */
async function enqueueTwo(stage: Stage, queue: string, type: string): Promise<void> {
  await stage.client.enqueue({ type }, { queue, taskId: 'cut' });
  const keys = queueKeys(queue);
  await until(async () => (await stage.redisOf(keys.prefix).llen(keys.active)) === 1);
  await stage.client.enqueue({ type }, { queue, taskId: 'waiting' });
}

async function checkGivenBack(stage: Stage, queue: string): Promise<void> {
  const keys = queueKeys(queue);
  const redis = stage.redisOf(keys.prefix);
  assert.deepEqual(await redis.lrange(keys.pending, 0, -1), ['waiting', 'cut']);
  assert.equal(await redis.llen(keys.active), 0);
  assert.equal(await redis.zcard(keys.lease), 0);
  assert.equal(await redis.get(keys.processed), null);
  const info = await stage.client.getTask({ queue, id: 'cut' });
  assert.equal(info?.retried, 0);
  assert.equal(info?.lastError, undefined);
}

async function goRunsOurs(stage: Stage, version: GoVersion): Promise<void> {
  const queue = stage.queue();
  const server = await stage.server([queue], { concurrency: 1, shutdownTimeout: 0 });
  await enqueueTwo(stage, queue, 'hang');
  await server.shutdown();
  await checkGivenBack(stage, queue);
  const go = stage.peer(version);
  await go.serve({ queues: { [queue]: 1 }, concurrency: 1 });
  assert.equal((await go.event('begin')).id, 'cut');
}

async function weRunGos(stage: Stage, version: GoVersion): Promise<void> {
  const queue = stage.queue();
  const go = stage.peer(version);
  await go.serve({ queues: { [queue]: 1 }, concurrency: 1, shutdown: 100 });
  await enqueueTwo(stage, queue, 'wait');
  await go.call('shutdown');
  await checkGivenBack(stage, queue);
  const first: string[] = [];
  const server = await stage.server([queue], { concurrency: 1 });
  server.on('started', ({ task }) => first.push(task.id));
  await until(() => first.length > 0);
  assert.equal(first[0], 'cut');
}

async function stops(stage: Stage): Promise<void> {
  const queue = stage.queue();
  const options = JSON.stringify({ queues: [queue], logLevel: 'error', heartbeatInterval: 200 });
  const child = spawn(process.execPath, [RUN_SERVER, stage.url, HANDLERS, options], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  endWithParent(child);
  after(() => child.kill('SIGKILL'));
  const line = async (): Promise<string | undefined> => {
    const { stdout } = await stage.cli('server', 'ls');
    return stdout.split('\n').find((each) => each.split(/\s+/).includes(String(child.pid)));
  };
  await until(async () => (await line())?.includes('active') === true);
  assert.ok((await line())?.includes(`${queue}:1`));
  child.kill('SIGTSTP');
  await until(async () => (await line())?.includes('stopped') === true);
  // It takes nothing any more, though it lives.
  await stage.client.enqueue({ type: 'ok' }, { queue, taskId: 'later', retention: '1h' });
  const helper = await stage.server([stage.queue()]);
  await helper.shutdown();
  assert.equal((await stage.client.getTask({ queue, id: 'later' }))?.state, 'pending');
  child.kill('SIGTERM');
  await until(async () => (await line()) === undefined);
}

async function goStops(stage: Stage): Promise<void> {
  const queue = stage.queue();
  const go = stage.peer();
  await go.serve({ queues: { [queue]: 1 }, run: true });
  const watcher = stage.peer();
  const status = async (): Promise<string | undefined> => {
    const servers = (await watcher.inspect('servers')) as { PID: number; Status: string }[];
    return servers.find(({ PID }) => PID === go.pid)?.Status;
  };
  await until(async () => (await status()) === 'active');
  await go.kill('SIGTSTP');
  await until(async () => (await status()) === 'stopped');
  const server = await stage.server([queue]);
  const begun: string[] = [];
  server.on('started', ({ task }) => begun.push(task.id));
  await stage.client.enqueue({ type: 'ok' }, { queue, taskId: 'ours' });
  await until(() => begun.includes('ours'));
  await go.kill('SIGTERM');
  await go.ended();
  assert.equal(await status(), undefined);
}
