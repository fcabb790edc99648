/** Point 4: tasks of one side, steered by the tools of the other. */
import assert from 'node:assert/strict';
import { queueKeys } from '../../src/wire/keys.ts';
import { until } from '../helpers/server.ts';
import {
  commandLine,
  goInspector,
  ourInspector,
  Producer,
  type RestingState,
  type Side,
  type Steerer,
} from './act.ts';
import { enqueueBy, stateOf } from './both-sides.ts';
import type { Stage } from './stage.ts';
import { point, walk } from './walk.ts';

/** Tools, each made within the test that uses it, and whose tasks they steer. */
const TOOLS: readonly {
  tool: string;
  version: string;
  of: Side;
  make: (stage: Stage) => Steerer;
}[] = [
  { tool: "asynq's command line", version: 'CLI', of: 'Threadmill', make: commandLine },
  {
    tool: "Go's inspector",
    version: '0.26.0',
    of: 'Threadmill',
    make: (stage) => goInspector(stage, '0.26.0'),
  },
  {
    tool: "asynqmon's inspector",
    version: '0.24.1',
    of: 'Threadmill',
    make: (stage) => goInspector(stage, '0.24.1'),
  },
  { tool: "Threadmill's inspector", version: '0.26.0', of: 'Go', make: ourInspector },
];

/** For which states each verb is there, in asynq. */
const CAN_RUN: readonly RestingState[] = ['scheduled', 'retry', 'archived', 'aggregating'];
const CAN_ARCHIVE: readonly RestingState[] = ['pending', 'scheduled', 'retry', 'aggregating'];
const CAN_DELETE: readonly RestingState[] = [...CAN_ARCHIVE, 'archived', 'completed'];

await walk(
  'steering',
  (stage) => {
    for (const { tool, version, of, make } of TOOLS) {
      const by = tool.startsWith('Threadmill') ? 'Threadmill' : 'Go';
      const facts = { point: 4, direction: of === by ? `${of} itself` : `${by} on ${of}`, version };
      const step = (title: string, run: (steerer: Steerer) => Promise<void>): void =>
        point(stage, { ...facts, what: title }, `${tool} ${title}`, () => run(make(stage)));
      step('pauses and resumes a queue', (steerer) => pauses(stage, steerer, of));
      step('cancels a running task', (steerer) => cancels(stage, steerer, of));
      step('runs single tasks', (steerer) =>
        movesOne(stage, of, CAN_RUN, 'pending', (...on) => steerer.run(...on)),
      );
      step('archives single tasks', (steerer) =>
        movesOne(stage, of, CAN_ARCHIVE, 'archived', (...on) => steerer.archive(...on)),
      );
      step('deletes single tasks', (steerer) =>
        movesOne(stage, of, CAN_DELETE, undefined, (...on) => steerer.delete(...on)),
      );
      step('runs all tasks of a state', (steerer) =>
        movesAll(stage, of, CAN_RUN, 'pending', (...on) => steerer.runAll(...on)),
      );
      step('archives all tasks of a state', (steerer) =>
        movesAll(stage, of, CAN_ARCHIVE, 'archived', (...on) => steerer.archiveAll(...on)),
      );
      step('deletes all tasks of a state', (steerer) =>
        movesAll(stage, of, CAN_DELETE, undefined, (...on) => steerer.deleteAll(...on)),
      );
      step('removes queues', (steerer) => removes(stage, steerer, of));
    }
  },
  4,
);

/** Nothing is leased while the queue is paused, and what waits runs when it is resumed. */
async function pauses(stage: Stage, steerer: Steerer, of: Side): Promise<void> {
  const queue = stage.queue();
  const other = stage.queue();
  const keys = queueKeys(queue);
  const redis = stage.redisOf(keys.prefix);
  await stage.client.enqueue({ type: 'ok' }, { queue, retention: '1h', taskId: 'before' });
  await steerer.pause(queue);
  if (steerer.isStrict) await assert.rejects(steerer.pause(queue), /already paused/);
  assert.equal(await redis.exists(keys.paused), 1);
  await startServer(stage, of, [queue, other]);
  // A task of the other queue shows that the server is pulling.
  await stage.client.enqueue({ type: 'ok' }, { queue: other, retention: '1h', taskId: 'beside' });
  await untilState(stage, other, 'beside', 'completed');
  assert.equal((await stage.client.getTask({ queue, id: 'before' }))?.state, 'pending');
  await steerer.resume(queue);
  await untilState(stage, queue, 'before', 'completed');
  if (steerer.isStrict) await assert.rejects(steerer.resume(queue), /not paused/);
}

async function cancels(stage: Stage, steerer: Steerer, of: Side): Promise<void> {
  const queue = stage.queue();
  const id = `${stage.kind}-${steerer.version}-${queue}`;
  await startServer(stage, of, [queue]);
  await stage.client.enqueue({ type: 'wait' }, { queue, taskId: id, maxRetry: 0 });
  const keys = queueKeys(queue);
  await until(async () => (await stage.redisOf(keys.prefix).llen(keys.active)) === 1);
  // A request that comes before the handler runs is not heard, by neither side's servers.
  await until(async () => {
    await steerer.cancel(queue, id);
    return (await stage.client.getTask({ queue, id }))?.state === 'archived';
  });
  assert.equal((await stage.client.getTask({ queue, id }))?.lastError, 'context canceled');
}

type OnOne = (queue: string, id: string) => Promise<void>;
type OnAll = (queue: string, state: RestingState) => Promise<void>;

/** Of two tasks in each state one is moved, and the other stays. */
async function movesOne(
  stage: Stage,
  of: Side,
  states: readonly RestingState[],
  to: RestingState | undefined,
  act: OnOne,
): Promise<void> {
  const producer = new Producer(stage, of);
  for (const state of states) {
    const queue = stage.queue();
    const [first = '', second = ''] = await producer.make(queue, state, {
      count: 2,
      options: { unique: 3_600_000 },
    });
    await act(queue, first);
    assert.equal((await stage.client.getTask({ queue, id: first }))?.state, to, state);
    assert.equal((await stage.client.getTask({ queue, id: second }))?.state, state, state);
    await checkPlaces(stage, queue);
    await checkLocks(stage, queue, state === 'completed' ? [] : [first, second], to, first);
  }
}

async function movesAll(
  stage: Stage,
  of: Side,
  states: readonly RestingState[],
  to: RestingState | undefined,
  act: OnAll,
): Promise<void> {
  const producer = new Producer(stage, of);
  for (const state of states) {
    const queue = stage.queue();
    const ids = await producer.make(queue, state, { count: 3 });
    await act(queue, state);
    for (const id of ids) {
      assert.equal((await stage.client.getTask({ queue, id }))?.state, to, `${state} ${id}`);
    }
    await checkPlaces(stage, queue);
  }
}

async function removes(stage: Stage, steerer: Steerer, of: Side): Promise<void> {
  const producer = new Producer(stage, of);
  const queue = stage.queue();
  await producer.make(queue, 'scheduled', { count: 2 });
  await assert.rejects(steerer.removeQueue(queue, false), /not empty|holds tasks/);
  await steerer.removeQueue(queue, true);
  assert.deepEqual((await stateOf(stage, queue)).state.tasks, {});
  assert.equal(await stage.redisOf('asynq:queues').sismember('asynq:queues', queue), 0);
  // It is there again with the next task.
  await enqueueBy(stage, { type: 'ok', options: { queue } });
  assert.equal(await stage.redisOf('asynq:queues').sismember('asynq:queues', queue), 1);
}

/** Every task of the queue is in the one place that its state names. */
async function checkPlaces(stage: Stage, queue: string): Promise<void> {
  const { state } = await stateOf(stage, queue);
  const places: Readonly<Record<string, readonly string[]>> = {
    pending: state.pending,
    scheduled: Object.keys(state.scheduled),
    retry: Object.keys(state.retry),
    archived: Object.keys(state.archived),
    completed: Object.keys(state.completed),
    aggregating: Object.values(state.group).flatMap((ids) => Object.keys(ids)),
  };
  const found = Object.entries(places).flatMap(([place, ids]) => ids.map((id) => `${id} ${place}`));
  const claimed = Object.entries(state.tasks).map(
    ([id, fields]) => `${id} ${String(fields['state'])}`,
  );
  assert.deepEqual(found.sort(), claimed.sort());
}

/** A deleted task gives its lock back, all others keep theirs. */
async function checkLocks(
  stage: Stage,
  queue: string,
  holders: readonly string[],
  to: RestingState | undefined,
  moved: string,
): Promise<void> {
  const { locks } = (await stateOf(stage, queue)).state;
  const expected = holders.filter((id) => to !== undefined || id !== moved);
  assert.deepEqual(Object.values(locks).sort(), [...expected].sort());
}

async function startServer(stage: Stage, side: Side, queues: readonly string[]): Promise<void> {
  if (side === 'Threadmill') {
    await stage.server(queues);
    return;
  }
  await stage.peer().serve({ queues: Object.fromEntries(queues.map((queue) => [queue, 1])) });
}

async function untilState(stage: Stage, queue: string, id: string, state: string): Promise<void> {
  await until(async () => (await stage.client.getTask({ queue, id }))?.state === state);
}
