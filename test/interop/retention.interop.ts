/** Point 8: what completed tasks show to the other side, and who deletes them. */
import assert from 'node:assert/strict';
import { queueKeys } from '../../src/wire/keys.ts';
import { until } from '../helpers/server.ts';
import { enqueueBy, stateOf } from './both-sides.ts';
import { fromGo, type GoVersion } from './peer.ts';
import type { Stage } from './stage.ts';
import { point, walk } from './walk.ts';

const VERSIONS: readonly GoVersion[] = ['0.26.0', '0.24.1'];
const HOUR_MS = 3_600_000;
const RESULT = 'the result';

await walk('retention', (stage) => {
  for (const version of VERSIONS) {
    point(
      stage,
      { point: 8, direction: 'Threadmill to Go', version },
      'a task that ours completed is listed with result and remaining time, and deleted by the other janitor',
      () => goDeletesOurs(stage, version),
    );
    point(
      stage,
      { point: 8, direction: 'Go to Threadmill', version },
      'a task that Go completed is listed with result and remaining time, and deleted by the other janitor',
      () => weDeleteGos(stage, version),
    );
  }
  point(
    stage,
    { point: 8, direction: 'Threadmill to Go', version: 'CLI' },
    'a completed task is shown with its result',
    () => cliShows(stage),
  );
});

/** A second later than now, seen from Redis, so that the retention is over. */
async function expire(stage: Stage, queue: string, id: string): Promise<void> {
  const keys = queueKeys(queue);
  await stage.redisOf(keys.prefix).zadd(keys.completed, 'XX', 1, id);
}

async function goDeletesOurs(stage: Stage, version: GoVersion): Promise<void> {
  const queue = stage.queue();
  const go = stage.peer(version);
  const options = { queue, retention: HOUR_MS, taskId: 'kept' };
  await go.enqueue({ type: 'result', payload: RESULT, options });
  await go.enqueue({ type: 'result', payload: RESULT, options: { ...options, taskId: 'over' } });
  const server = await stage.server([queue]);
  const keys = queueKeys(queue);
  const redis = stage.redisOf(keys.prefix);
  await until(async () => (await redis.zcard(keys.completed)) === 2);
  await server.shutdown();
  const listed = (await go.list(queue, 'completed')).find(({ id }) => id === 'kept');
  assert.equal(fromGo(listed?.result), RESULT);
  await checkRemaining(stage, queue, listed?.completedAt, listed?.retention);
  await expire(stage, queue, 'over');
  const janitor = stage.peer(version);
  await janitor.serve({ queues: { [queue]: 1 } });
  await untilOnlyKept(stage, queue);
}

async function weDeleteGos(stage: Stage, version: GoVersion): Promise<void> {
  const queue = stage.queue();
  const go = stage.peer(version);
  for (const taskId of ['kept', 'over']) {
    const options = { queue, retention: HOUR_MS, taskId };
    await enqueueBy(stage, { type: 'result', payload: RESULT, options });
  }
  await go.serve({ queues: { [queue]: 1 } });
  const keys = queueKeys(queue);
  const redis = stage.redisOf(keys.prefix);
  await until(async () => (await redis.zcard(keys.completed)) === 2);
  await go.call('shutdown');
  const info = await stage.client.getTask({ queue, id: 'kept' });
  assert.equal(info?.state, 'completed');
  assert.equal(Buffer.from(info.result ?? '').toString(), RESULT);
  const completedAt = (info.completedAt?.getTime() ?? 0) / 1000;
  await checkRemaining(stage, queue, completedAt, info.retention / 1000);
  await expire(stage, queue, 'over');
  await stage.server([queue]);
  await untilOnlyKept(stage, queue);
}

/** What asynqmon shows as the remaining time, from the message, is what the janitor goes by, the score. */
async function checkRemaining(
  stage: Stage,
  queue: string,
  completedAt: number | undefined,
  retention: number | undefined,
): Promise<void> {
  const keys = queueKeys(queue);
  const score = Number(await stage.redisOf(keys.prefix).zscore(keys.completed, 'kept'));
  assert.equal((completedAt ?? 0) + (retention ?? 0), score);
  assert.ok(Math.abs(score - Date.now() / 1000 - HOUR_MS / 1000) < 60);
}

async function untilOnlyKept(stage: Stage, queue: string): Promise<void> {
  const keys = queueKeys(queue);
  const redis = stage.redisOf(keys.prefix);
  await until(async () => (await redis.exists(keys.task('over'))) === 0);
  const { state } = await stateOf(stage, queue);
  assert.deepEqual(Object.keys(state.tasks), ['kept']);
  assert.deepEqual(Object.keys(state.completed), ['kept']);
}

async function cliShows(stage: Stage): Promise<void> {
  const queue = stage.queue();
  await enqueueBy(stage, {
    type: 'result',
    payload: RESULT,
    options: { queue, retention: HOUR_MS, taskId: 'kept' },
  });
  await stage.server([queue]);
  const isDone = async (): Promise<boolean> =>
    (await stage.client.getTask({ queue, id: 'kept' }))?.state === 'completed';
  await until(isDone);
  const { stdout } = await stage.cli('task', 'ls', '--queue', queue, '--state', 'completed');
  assert.match(stdout, /kept\s+result\s+the result/);
  assert.match(stdout.split('\n').at(-2) ?? stdout, /the result/);
}
