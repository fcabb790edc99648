/** Point 3: Go and Threadmill servers share queues in strict order. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { queueKeys } from '../../src/wire/keys.ts';
import { until } from '../helpers/server.ts';
import { forThreadmill } from './both-sides.ts';
import { MixedFleet } from './mixed-fleet.ts';
import type { Life } from './mixed-verdict.ts';
import type { GoTask } from './peer.ts';
import type { Stage } from './stage.ts';
import { point, walk } from './walk.ts';

/** The heavier first. */
const QUEUES = { critical: 6, default: 3, low: 1 } as const;
const NAMES = Object.keys(QUEUES);
const EACH = 200;
const LIMIT_MS = 90_000;

await walk('strict queues', (stage) => {
  point(
    stage,
    { point: 3, direction: 'both mixed', version: '0.26.0' },
    'six servers on strict queues take no task of a queue while a heavier one has some, and none twice',
    () => drainInOrder(stage),
  );
});

/**
 * A server asks its queues one after the other: one that has passed a queue before there was something to get may take a
 * task of the next. So a lighter queue opens when every server has begun a task of the heavier one, of which most still
 * wait: the tasks end only when their gate is there.
 */
async function drainInOrder(stage: Stage): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'threadmill-strict-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const gateOf = (queue: string): string => join(folder, `${queue} may end`);
  // The order of enqueueing is the opposite of that of the queues.
  const tasks = NAMES.toReversed().flatMap((queue) => backlog(queue, gateOf(queue)));
  await stage.client.enqueueMany(tasks);
  for (const queue of NAMES.slice(1)) await setPaused(stage, queue, true);
  const fleet = new MixedFleet(stage, folder, { queues: QUEUES, isStrict: true });
  await fleet.start();
  for (const [at, queue] of NAMES.entries()) {
    await until(() => fleet.lives().every((life) => begunBy(life, queue).length > 0), LIMIT_MS);
    const next = NAMES[at + 1];
    if (next !== undefined) await setPaused(stage, next, false);
    writeFileSync(gateOf(queue), '');
  }
  await until(async () => (await left(stage)) === 0, LIMIT_MS);
  await fleet.end();

  const lives = fleet.lives();
  for (const life of lives) {
    for (const queue of NAMES) assert.ok(late(life, queue).length <= IN_HAND, tell(life, queue));
  }
  const begun = lives.flatMap((life) => begunBy(life));
  assert.equal(begun.length, NAMES.length * EACH);
  assert.equal(new Set(begun).size, begun.length);
  for (const side of ['Go', 'Threadmill'] as const) {
    const own = lives.filter((life) => life.side === side).flatMap((life) => begunBy(life));
    assert.ok(own.length > EACH / 10, `${side} took hardly any part`);
  }
}

function backlog(queue: string, gate: string): ReturnType<typeof forThreadmill>[] {
  return Array.from({ length: EACH }, (_, key): ReturnType<typeof forThreadmill> => {
    const payload = JSON.stringify({ key, ms: 10, failures: 0, gate });
    const task: GoTask = {
      type: 'work',
      payload,
      options: { queue, taskId: `${queue}-${key}`, maxRetry: 25 },
    };
    return forThreadmill(task);
  });
}

async function setPaused(stage: Stage, queue: string, isPaused: boolean): Promise<void> {
  const { paused } = queueKeys(queue);
  const redis = stage.redisOf(paused);
  await (isPaused ? redis.set(paused, '1') : redis.del(paused));
}

async function left(stage: Stage): Promise<number> {
  const counts = await Promise.all(
    NAMES.map(async (queue) => {
      const keys = queueKeys(queue);
      const look = stage.redisOf(keys.prefix).multi().llen(keys.pending).llen(keys.active);
      const replies = (await look.exec()) ?? [];
      return replies.reduce((sum, [, count]) => sum + Number(count), 0);
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

function begunBy({ notes }: Life, queue = ''): string[] {
  const begun = notes.filter(({ what }) => what === 'begin').map(({ task }) => task);
  return begun.filter((task) => task.startsWith(queue));
}

/**
 * A server runs several at once: those that it has leased of a heavier queue may begin after the first of a lighter one,
 * however late on a loaded machine, but they are no more than it runs at once.
 */
const IN_HAND = 6;

/** Tasks of a queue that a server began after one of a lighter queue. */
function late(life: Life, queue: string): string[] {
  const begun = begunBy(life);
  const lighter = NAMES.slice(NAMES.indexOf(queue) + 1);
  const first = begun.findIndex((task) => lighter.some((name) => task.startsWith(name)));
  return first < 0 ? [] : begun.slice(first).filter((task) => task.startsWith(queue));
}

function tell(life: Life, queue: string): string {
  return `${life.name} began after one of a lighter queue: ${late(life, queue).join()}`;
}
