/** Point 9: groups that one side fills and the other aggregates, and what a crash in between leaves. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { ServerOptions } from '../../src/index.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { decodeTaskMessage } from '../../src/wire/task-message.ts';
import { fixture } from '../helpers/paths.ts';
import { endWithParent } from '../helpers/redis.ts';
import { until } from '../helpers/server.ts';
import type { Side } from './act.ts';
import { enqueueBy, stateOf } from './both-sides.ts';
import type { GoServerOptions, GoVersion } from './peer.ts';
import type { Stage } from './stage.ts';
import { point, walk } from './walk.ts';

const RUN_SERVER = fileURLToPath(new URL('../helpers/run-server.js', import.meta.url));
const VERSIONS: readonly GoVersion[] = ['0.26.0', '0.24.1'];
const HOUR_MS = 3_600_000;
const GROUP = 'a:b'; // colons are allowed in names of groups
const LIMIT_MS = 60_000;

/** What lets a group be aggregated, in milliseconds and tasks. asynq looks every 7 s, or as often as the grace says. */
interface Rule {
  readonly name: string;
  readonly grace: number;
  readonly maxDelay?: number;
  readonly maxSize?: number;
  /** Tasks that are enqueued, and how many the first aggregated task is made of. */
  readonly tasks: number;
  readonly first: number;
}

const RULES: readonly Rule[] = [
  { name: 'when nothing joined for the grace period', grace: 1_000, tasks: 3, first: 3 },
  { name: 'after the longest delay', grace: HOUR_MS, maxDelay: 1_000, tasks: 3, first: 3 },
  { name: 'at the largest size', grace: HOUR_MS, maxSize: 2, tasks: 3, first: 2 },
];

await walk('groups', (stage) => {
  for (const version of VERSIONS) {
    for (const rule of RULES) {
      const what = `groups are aggregated ${rule.name}`;
      point(stage, { point: 9, direction: 'Go to Threadmill', version }, what, () =>
        aggregates(stage, version, 'Threadmill', rule),
      );
      point(stage, { point: 9, direction: 'Threadmill to Go', version }, what, () =>
        aggregates(stage, version, 'Go', rule),
      );
    }
    point(
      stage,
      { point: 9, direction: 'Go to Threadmill', version },
      'a set that a killed Go server had staged is reclaimed and aggregated by ours',
      () => weReclaim(stage, version),
    );
    point(
      stage,
      { point: 9, direction: 'Threadmill to Go', version },
      'a set that our killed server had staged is reclaimed by Go, and aggregated with the next task',
      () => goReclaims(stage, version),
    );
  }
});

function ours({ grace, maxDelay, maxSize }: Rule): Partial<ServerOptions> {
  return {
    handlers: [fixture('interop-groups')],
    groupGracePeriod: grace,
    ...(maxDelay === undefined ? {} : { groupMaxDelay: maxDelay }),
    ...(maxSize === undefined ? {} : { groupMaxSize: maxSize }),
  };
}

function gos({ grace, maxDelay, maxSize }: Rule): NonNullable<GoServerOptions['groups']> {
  return {
    grace,
    ...(maxDelay === undefined ? {} : { maxDelay }),
    ...(maxSize === undefined ? {} : { maxSize }),
  };
}

/** Fills a group by the other side's client, in a paused queue, so that what comes of it can be seen waiting. */
async function fill(stage: Stage, version: GoVersion, by: Side, count: number): Promise<string> {
  const queue = stage.queue();
  await stage.redisOf(queueKeys(queue).prefix).set(queueKeys(queue).paused, '1');
  const client = by === 'Go' ? stage.peer(version) : stage;
  for (let index = 0; index < count; index += 1) {
    const options = { queue, group: GROUP, taskId: `task-${index}` };
    await enqueueBy(client, { type: 'item', payload: `text ${index}`, options });
  }
  return queue;
}

async function aggregates(stage: Stage, version: GoVersion, by: Side, rule: Rule): Promise<void> {
  const queue = await fill(stage, version, by === 'Go' ? 'Threadmill' : 'Go', rule.tasks);
  const goServer = by === 'Go' ? stage.peer(version) : undefined;
  if (goServer === undefined) await stage.server([queue], ours(rule));
  else await goServer.serve({ queues: { [queue]: 1 }, groups: gos(rule) });
  const expected = Array.from({ length: rule.first }, (_, index) => `text ${index}`).join(',');
  await until(async () => (await aggregatedOf(stage, queue)).includes(expected), LIMIT_MS);
  const left = Array.from({ length: rule.tasks - rule.first }, (_, i) => `task-${rule.first + i}`);
  await untilLeft(stage, queue, left);
}

/** The tasks of a set are deleted right after their aggregated task is there. */
async function untilLeft(stage: Stage, queue: string, left: readonly string[]): Promise<void> {
  const keys = queueKeys(queue);
  const redis = stage.redisOf(keys.prefix);
  await until(async () => (await redis.zcard(keys.aggregationSets)) === 0, LIMIT_MS);
  const { state } = await stateOf(stage, queue);
  const tasks = Object.keys(state.tasks).filter((id) => id.startsWith('task-'));
  assert.deepEqual(tasks, left);
  assert.deepEqual(Object.keys(state.group[GROUP] ?? {}), left);
  assert.deepEqual(state.groups, left.length > 0 ? [GROUP] : []);
}

/** Payloads of the aggregated tasks that wait. */
async function aggregatedOf(stage: Stage, queue: string): Promise<string[]> {
  const { pending, prefix, task } = queueKeys(queue);
  const redis = stage.redisOf(prefix);
  const texts: string[] = [];
  for (const id of await redis.lrange(pending, 0, -1)) {
    const bytes = await redis.hgetBuffer(task(id), 'msg');
    const message = decodeTaskMessage(bytes ?? Buffer.alloc(0));
    assert.equal(message.type, 'aggregated');
    texts.push(Buffer.from(message.payload).toString());
  }
  return texts;
}

/** Waits until a set is staged, and lets its two minutes be over. */
async function expireStaged(stage: Stage, queue: string, kill: () => Promise<void>): Promise<void> {
  const keys = queueKeys(queue);
  const redis = stage.redisOf(keys.prefix);
  await until(async () => (await redis.zcard(keys.aggregationSets)) === 1, LIMIT_MS);
  await kill();
  const [set = ''] = await redis.zrange(keys.aggregationSets, '0', '-1');
  await redis.zadd(keys.aggregationSets, 'XX', 1, set);
}

async function weReclaim(stage: Stage, version: GoVersion): Promise<void> {
  const queue = await fill(stage, version, 'Threadmill', 3);
  const go = stage.peer(version);
  await go.serve({ queues: { [queue]: 1 }, groups: { grace: 1_000, hangAfterCheck: true } });
  await go.event('aggregate');
  await expireStaged(stage, queue, () => go.kill());
  await stage.server([queue], ours({ name: '', grace: 1_000, tasks: 3, first: 3 }));
  await until(
    async () => (await aggregatedOf(stage, queue)).includes('text 0,text 1,text 2'),
    LIMIT_MS,
  );
  await untilLeft(stage, queue, []);
}

async function goReclaims(stage: Stage, version: GoVersion): Promise<void> {
  const queue = await fill(stage, version, 'Go', 3);
  const options = { queues: [queue], groupGracePeriod: 1_000, logLevel: 'error' };
  const child = spawn(
    process.execPath,
    [RUN_SERVER, stage.url, fixture('interop-stuck'), JSON.stringify(options)],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  endWithParent(child);
  after(() => child.kill('SIGKILL'));
  await expireStaged(stage, queue, async () => {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  });
  const go = stage.peer(version);
  // Reclaims at its start; asynq forgets that the group is there until a task joins it (D2).
  await go.serve({ queues: { [queue]: 1 }, groups: { grace: 1_000 } });
  const keys = queueKeys(queue);
  const redis = stage.redisOf(keys.prefix);
  await until(async () => (await redis.zcard(keys.group(GROUP))) === 3, LIMIT_MS);
  const next = { queue, group: GROUP, taskId: 'task-3' };
  await enqueueBy(stage, { type: 'item', payload: 'text 3', options: next });
  await until(
    async () => (await aggregatedOf(stage, queue)).includes('text 0,text 1,text 2,text 3'),
    LIMIT_MS,
  );
}
