/** Point 2: the tasks of a server that is killed are recovered by servers of the other side. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import { queueKeys } from '../../src/wire/keys.ts';
import { BEGUN_FIELD } from '../../src/wire/task-fields.ts';
import { endWithParent } from '../helpers/redis.ts';
import { until } from '../helpers/server.ts';
import type { GoVersion } from './peer.ts';
import { HANDLERS, type Stage } from './stage.ts';
import { point, walk } from './walk.ts';

const RUN_SERVER = fileURLToPath(new URL('../helpers/run-server.js', import.meta.url));
/** As the checklist has it. */
const LIMIT_MS = 120_000;
const HOUR_MS = 3_600_000;
const VERSIONS: readonly GoVersion[] = ['0.26.0', '0.24.1'];

await walk('recovery', (stage) => {
  for (const version of VERSIONS) {
    point(
      stage,
      { point: 2, direction: 'Threadmill to Go', version },
      'a task of our server that was killed is retried by a Go server within two minutes',
      () => byGo(stage, version),
    );
    point(
      stage,
      { point: 2, direction: 'Go to Threadmill', version },
      'a task of a Go server that was killed is retried by ours within two minutes',
      () => byUs(stage, version),
    );
  }
});

async function byGo(stage: Stage, version: GoVersion): Promise<void> {
  const queue = stage.queue();
  const { id } = await stage.client.enqueue({ type: 'wait', payload: 'x' }, { queue, maxRetry: 3 });
  const child = runServer(stage, queue);
  await untilBegun(child, id);
  // Its recoverer looks at its start and then every minute.
  const go = stage.peer(version);
  await go.serve({ queues: { [queue]: 1 }, retryDelay: HOUR_MS });
  // Ours notes up to a second later that a task has begun; without the note it spends no attempt.
  const { task } = queueKeys(queue);
  await until(async () => (await stage.redisOf(task(id)).hexists(task(id), BEGUN_FIELD)) === 1);
  await kill(child);
  await checkRecovered(stage, queue, id);
}

async function byUs(stage: Stage, version: GoVersion): Promise<void> {
  const queue = stage.queue();
  const { id } = await stage.client.enqueue({ type: 'wait', payload: 'x' }, { queue, maxRetry: 3 });
  const go = stage.peer(version);
  await go.serve({ queues: { [queue]: 1 } });
  await go.event('begin');
  await stage.server([queue], { retryDelay: () => HOUR_MS });
  await go.kill();
  await checkRecovered(stage, queue, id);
}

/** It waits for its next attempt, with the error that the protocol has for it, one retry spent and one failure counted. */
async function checkRecovered(stage: Stage, queue: string, id: string): Promise<void> {
  await until(async () => (await stage.client.getTask({ queue, id }))?.state === 'retry', LIMIT_MS);
  const info = await stage.client.getTask({ queue, id });
  assert.equal(info?.lastError, 'asynq: task lease expired');
  assert.equal(info?.retried, 1);
  const redis = stage.redisOf(`asynq:{${queue}}:`);
  assert.equal(await redis.get(`asynq:{${queue}}:failed`), '1');
  assert.equal(await redis.llen(`asynq:{${queue}}:active`), 0);
  assert.equal(await redis.zcard(`asynq:{${queue}}:lease`), 0);
}

function runServer(stage: Stage, queue: string): ChildProcess {
  const options = JSON.stringify({ queues: [queue], logLevel: 'error' });
  const child = spawn(process.execPath, [RUN_SERVER, stage.url, HANDLERS, options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  endWithParent(child);
  after(() => child.kill('SIGKILL'));
  return child;
}

async function untilBegun(child: ChildProcess, id: string): Promise<void> {
  if (child.stdout === null) throw new Error('no pipe');
  for await (const line of createInterface(child.stdout)) if (line === `began ${id}`) return;
  throw new Error('the server ended');
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
