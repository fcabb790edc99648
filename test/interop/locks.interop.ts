/** Point 7: the life of a unique lock (protocol 6.3), row by row, with the lock taken by one side and met by the other. */
import assert from 'node:assert/strict';
import { queueKeys } from '../../src/wire/keys.ts';
import { until } from '../helpers/server.ts';
import { goInspector, type Side } from './act.ts';
import { enqueueBy, stateOf } from './both-sides.ts';
import type { GoOptions, Peer } from './peer.ts';
import type { Stage } from './stage.ts';
import { point, walk } from './walk.ts';

const HOUR_MS = 3_600_000;
const VERSION = '0.26.0';

/** One transition: how the task is enqueued, how it gets there, and what becomes of its lock. */
interface RowOfTable {
  readonly name: string;
  readonly type: string;
  readonly options?: GoOptions;
  /** The state in which the task then is; `gone` when its hash is deleted. */
  readonly to: string;
  readonly isReleased: boolean;
}

/** Transitions that servers make. */
const BY_SERVERS: readonly RowOfTable[] = [
  { name: 'dequeue keeps it', type: 'wait', to: 'active', isReleased: false },
  {
    name: 'forward and dequeue keep it',
    type: 'wait',
    options: { processIn: 1_000 },
    to: 'active',
    isReleased: false,
  },
  { name: 'retry keeps it', type: 'fail', to: 'retry', isReleased: false },
  {
    name: 'archive keeps it',
    type: 'fail',
    options: { maxRetry: 0 },
    to: 'archived',
    isReleased: false,
  },
  { name: 'success releases it', type: 'ok', to: 'gone', isReleased: true },
  {
    name: 'success that is kept releases it',
    type: 'ok',
    options: { retention: HOUR_MS },
    to: 'completed',
    isReleased: true,
  },
  { name: 'revocation releases it', type: 'revoke', to: 'gone', isReleased: true },
];

const SIDES: readonly Side[] = ['Go', 'Threadmill'];

await walk('locks', (stage) => {
  for (const taker of SIDES) {
    const other = taker === 'Go' ? 'Threadmill' : 'Go';
    const facts = { point: 7, direction: `${taker} to ${other}`, version: VERSION };
    for (const row of BY_SERVERS) {
      point(stage, facts, row.name, () => serverMeets(stage, taker, row));
    }
    point(stage, facts, 'the other side is refused while it is held, and not afterwards', () =>
      refuses(stage, taker),
    );
    point(stage, facts, 'an absent and an empty payload have locks of their own', () =>
      tellsEmptyFromAbsent(stage, taker),
    );
    point(stage, facts, 'a conflict of IDs leaves it with Go, and releases it with us', () =>
      conflicts(stage, taker),
    );
    point(stage, facts, 'recovery and an orderly shutdown keep it', () => givesBack(stage, taker));
  }
  for (const state of ['pending', 'scheduled', 'retry', 'archived'] as const) {
    point(
      stage,
      {
        point: 7,
        direction: 'Threadmill to Go',
        version: VERSION,
        what: 'inspectors: run, archive and update keep it, delete releases it',
      },
      `Go's inspector: run and archive of ours in ${state} keep it, delete releases it`,
      () => inspectorMeets(stage, state),
    );
  }
});

/** A lock holds what it names: queue, type and payload bytes. */
async function lockOf(stage: Stage, queue: string): Promise<string | undefined> {
  const { locks } = (await stateOf(stage, queue)).state;
  const [first, ...others] = Object.values(locks);
  assert.deepEqual(others, []);
  return first;
}

function clientOf(stage: Stage, side: Side): Peer | Stage {
  return side === 'Go' ? stage.peer(VERSION) : stage;
}

/** A server of this side, that ends with the test. */
async function startServer(
  stage: Stage,
  side: Side,
  queue: string,
): Promise<() => Promise<unknown>> {
  if (side === 'Threadmill') {
    const server = await stage.server([queue], { retryDelay: () => HOUR_MS, shutdownTimeout: 0 });
    return () => server.shutdown();
  }
  const peer = stage.peer(VERSION);
  await peer.serve({ queues: { [queue]: 1 }, retryDelay: HOUR_MS, shutdown: 100 });
  return () => peer.call('shutdown');
}

async function untilAt(stage: Stage, queue: string, id: string, state: string): Promise<void> {
  await until(
    async () => ((await stage.client.getTask({ queue, id }))?.state ?? 'gone') === state,
    60_000,
  );
}

/** The other side's server takes the task through the transition. */
async function serverMeets(stage: Stage, taker: Side, row: RowOfTable): Promise<void> {
  const queue = stage.queue();
  const options = { ...row.options, queue, taskId: 'holder', unique: HOUR_MS };
  await enqueueBy(clientOf(stage, taker), { type: row.type, payload: 'x', options });
  assert.equal(await lockOf(stage, queue), 'holder');
  await startServer(stage, taker === 'Go' ? 'Threadmill' : 'Go', queue);
  await untilAt(stage, queue, 'holder', row.to);
  assert.equal(await lockOf(stage, queue), row.isReleased ? undefined : 'holder');
}

async function refuses(stage: Stage, taker: Side): Promise<void> {
  const queue = stage.queue();
  const [first, second] = [
    clientOf(stage, taker),
    clientOf(stage, taker === 'Go' ? 'Threadmill' : 'Go'),
  ];
  const task = { type: 'ok', payload: '{"a":1}' };
  const options = { queue, unique: HOUR_MS };
  await enqueueBy(first, { ...task, options: { ...options, taskId: 'holder' } });
  const again = { ...task, options: { ...options, taskId: 'second' } };
  await assert.rejects(enqueueBy(second, again), /task already exists|unique/i);
  // Other bytes, another type, and the same in another queue are other tasks.
  const others = [
    { ...again, payload: '{"a": 1}', options: { ...options, taskId: 'bytes' } },
    { ...again, type: 'result', options: { ...options, taskId: 'type' } },
    { ...again, options: { ...options, queue: stage.queue(), taskId: 'queue' } },
  ];
  for (const other of others) await enqueueBy(second, other);
  await startServer(stage, taker, queue);
  await untilAt(stage, queue, 'holder', 'gone');
  await enqueueBy(second, again);
}

async function tellsEmptyFromAbsent(stage: Stage, taker: Side): Promise<void> {
  const queue = stage.queue();
  const [first, second] = [
    clientOf(stage, taker),
    clientOf(stage, taker === 'Go' ? 'Threadmill' : 'Go'),
  ];
  const absent = { type: 'ok', options: { queue, unique: HOUR_MS } };
  const empty = { ...absent, payload: '' };
  await enqueueBy(first, absent);
  await enqueueBy(first, empty);
  await assert.rejects(enqueueBy(second, absent), /task already exists|unique/i);
  await assert.rejects(enqueueBy(second, empty), /task already exists|unique/i);
  const { locks } = (await stateOf(stage, queue)).state;
  const lock = `asynq:{${queue}}:unique:ok:`;
  assert.deepEqual(Object.keys(locks).sort(), [lock, `${lock}d41d8cd98f00b204e9800998ecf8427e`]);
}

/** D3: asynq leaves the lock that a refused call has just taken; ours gives it back, and never one that was there. */
async function conflicts(stage: Stage, taker: Side): Promise<void> {
  const queue = stage.queue();
  await enqueueBy(clientOf(stage, taker), { type: 'ok', options: { queue, taskId: 'one' } });
  const other = taker === 'Go' ? 'Threadmill' : 'Go';
  const options = { queue, taskId: 'one', unique: HOUR_MS };
  await assert.rejects(enqueueBy(clientOf(stage, other), { type: 'ok', payload: 'x', options }));
  assert.equal(await lockOf(stage, queue), other === 'Go' ? 'one' : undefined);
}

async function givesBack(stage: Stage, taker: Side): Promise<void> {
  const queue = stage.queue();
  const other = taker === 'Go' ? 'Threadmill' : 'Go';
  const options = { queue, taskId: 'holder', unique: HOUR_MS };
  await enqueueBy(clientOf(stage, taker), { type: 'wait', payload: 'x', options });
  const end = await startServer(stage, other, queue);
  await untilAt(stage, queue, 'holder', 'active');
  await end();
  await untilAt(stage, queue, 'holder', 'pending');
  assert.equal(await lockOf(stage, queue), 'holder');
  // Now it is lost: active, with a lease that ended long ago, as of a server that is no more.
  const keys = queueKeys(queue);
  const redis = stage.redisOf(keys.prefix);
  const lose = redis.multi().rpoplpush(keys.pending, keys.active).zadd(keys.lease, 1, 'holder');
  await lose.hset(keys.task('holder'), 'state', 'active').exec();
  await startServer(stage, other, queue);
  await untilAt(stage, queue, 'holder', 'retry');
  assert.equal(await lockOf(stage, queue), 'holder');
}

type Resting = 'pending' | 'scheduled' | 'retry' | 'archived';

async function inspectorMeets(stage: Stage, state: Resting): Promise<void> {
  const queue = stage.queue();
  const options = {
    queue,
    taskId: 'holder',
    unique: HOUR_MS,
    ...(state === 'scheduled' ? { processIn: HOUR_MS } : {}),
    ...(state === 'archived' ? { maxRetry: 0 } : {}),
  };
  const type = state === 'pending' || state === 'scheduled' ? 'ok' : 'fail';
  await enqueueBy(stage, { type, payload: 'x', options });
  if (type === 'fail') {
    const end = await startServer(stage, 'Threadmill', queue);
    await untilAt(stage, queue, 'holder', state);
    await end();
  }
  const inspector = goInspector(stage, VERSION);
  if (state !== 'pending') await inspector.run(queue, 'holder');
  assert.equal(await lockOf(stage, queue), 'holder');
  await inspector.archive(queue, 'holder');
  assert.equal(await lockOf(stage, queue), 'holder');
  await inspector.delete(queue, 'holder');
  assert.equal(await lockOf(stage, queue), undefined);
}
