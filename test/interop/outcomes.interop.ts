/** Point 6: what becomes of a task that ends in each way, on a Go server and on ours, compared key by key. */
import assert from 'node:assert/strict';
import { queueKeys } from '../../src/wire/keys.ts';
import { decodeTaskMessage } from '../../src/wire/task-message.ts';
import { until } from '../helpers/server.ts';
import { clear, enqueueBy, stateOf } from './both-sides.ts';
import type { GoOptions, GoVersion } from './peer.ts';
import type { Stage } from './stage.ts';
import { point, walk } from './walk.ts';

interface Outcome {
  readonly name: string;
  readonly type: string;
  readonly options?: GoOptions;
  /** Cancels the task as soon as it runs. */
  readonly isCanceled?: true;
  readonly versions?: readonly GoVersion[];
  /** Text that each language words for itself: only its beginning, or nothing of it, is compared. */
  readonly isWordedFreely?: true;
}

const HOUR_MS = 3_600_000;
const NEW: readonly GoVersion[] = ['0.26.0'];
const ALL: readonly GoVersion[] = ['0.26.0', '0.24.1'];

const OUTCOMES: readonly Outcome[] = [
  { name: 'success', type: 'ok' },
  { name: 'success of a unique task', type: 'ok', options: { unique: 60_000 } },
  { name: 'success that is kept', type: 'ok', options: { retention: HOUR_MS } },
  { name: 'success with a result', type: 'result', options: { retention: HOUR_MS } },
  { name: 'failure with retries left', type: 'fail', options: { maxRetry: 3, unique: 60_000 } },
  { name: 'failure without retries left', type: 'fail', options: { maxRetry: 0, unique: 60_000 } },
  { name: 'SkipRetry', type: 'skip', options: { maxRetry: 3 }, isWordedFreely: true },
  { name: 'RevokeTask', type: 'revoke', options: { maxRetry: 3, unique: 60_000 }, versions: NEW },
  {
    name: 'RevokeTask with a retention',
    type: 'revoke',
    options: { retention: HOUR_MS },
    versions: NEW,
  },
  { name: 'no failure by IsFailure', type: 'busy', options: { maxRetry: 3 } },
  {
    name: 'no failure by IsFailure, without retries left',
    type: 'busy',
    options: { maxRetry: 0 },
    versions: NEW,
  },
  { name: 'panic or throw', type: 'panic', isWordedFreely: true },
  { name: 'timeout', type: 'wait', options: { timeout: 1_000 } },
  { name: 'timeout without retries left', type: 'wait', options: { timeout: 1_000, maxRetry: 0 } },
  { name: 'deadline that is over', type: 'ok', options: { deadline: 1_000_000_000 } },
  { name: 'cancelation', type: 'wait', isCanceled: true },
  {
    name: 'cancelation without retries left',
    type: 'wait',
    isCanceled: true,
    options: { maxRetry: 0 },
  },
  { name: 'type that nobody handles', type: 'nobody', isWordedFreely: true },
];

await walk('outcomes', (stage) => {
  for (const { versions = ALL, ...outcome } of OUTCOMES) {
    for (const version of versions) {
      point(
        stage,
        { point: 6, direction: 'both compared', version },
        `${outcome.name} leaves the same state, counters and error text`,
        () => endsTheSame(stage, version, outcome),
      );
    }
  }
});

async function endsTheSame(stage: Stage, version: GoVersion, outcome: Outcome): Promise<void> {
  const queue = stage.queue();
  const { type, options } = outcome;
  const taskId = `task-in-${queue}`; // a cancelation names the task alone, not its queue
  const whole = { type, payload: 'x', options: { ...options, queue, taskId } };
  const producer = stage.peer(version);

  await enqueueBy(producer, whole);
  const goServer = stage.peer(version);
  await goServer.serve({ queues: { [queue]: 1 }, retryDelay: HOUR_MS });
  if (outcome.isCanceled) {
    await goServer.event('begin');
    assert.equal(await stage.client.cancel(taskId), 1);
  }
  await untilSettled(stage, queue);
  await goServer.call('shutdown');
  const go = await endOf(stage, queue, outcome);

  await clear(stage, queue);
  await enqueueBy(producer, whole);
  const server = await stage.server([queue], { retryDelay: () => HOUR_MS });
  if (outcome.isCanceled) {
    // Go's inspector publishes its request and stores nothing: whoever is not running the task yet does not hear it.
    const request = setInterval(() => {
      producer.inspect('cancel', { id: taskId }).catch(() => undefined);
    }, 50);
    await untilSettled(stage, queue).finally(() => clearInterval(request));
  }
  await untilSettled(stage, queue);
  await server.shutdown();
  assert.deepEqual(await endOf(stage, queue, outcome), go);
}

/** The task has been counted, or waits for its next attempt, or is gone. */
async function untilSettled(stage: Stage, queue: string): Promise<void> {
  const keys = queueKeys(queue);
  const redis = stage.redisOf(keys.prefix);
  await until(async () => {
    const [waiting, active] = [await redis.llen(keys.pending), await redis.llen(keys.active)];
    return waiting + active === 0;
  });
}

/** All keys of the queue, instants left out, and the message field by field. */
async function endOf(stage: Stage, queue: string, { isWordedFreely }: Outcome): Promise<unknown> {
  const { state, ttl } = await stateOf(stage, queue);
  const now = Math.floor(Date.now() / 1000);
  const tasks = Object.entries(state.tasks).map(([id, { msg, ...fields }]) => {
    const message = decodeTaskMessage(Buffer.from(msg ?? ''));
    const own = Object.entries(fields).filter(([name]) => !name.startsWith('threadmill_'));
    return [
      id,
      {
        ...Object.fromEntries(own),
        message: {
          ...message,
          payload: Buffer.from(message.payload).toString(),
          errorMsg: isWordedFreely ? message.errorMsg !== '' : message.errorMsg,
          lastFailedAt: isRecent(message.lastFailedAt, now),
          completedAt: isRecent(message.completedAt, now),
        },
      },
    ];
  });
  const sets = ['lease', 'scheduled', 'retry', 'archived', 'completed'] as const;
  const scores = sets.map((set) => {
    // To the minute: the two runs are some seconds apart.
    const minutes = Object.entries(state[set]).map(([id, at]) => [
      id,
      Math.trunc((at - now + 30) / 60),
    ]);
    return [set, Object.fromEntries(minutes)];
  });
  return {
    ...state,
    ...Object.fromEntries(scores),
    tasks: Object.fromEntries(tasks),
    ttl: Object.keys(ttl).sort(),
  };
}

function isRecent(second: number, now: number): boolean | number {
  return second === 0 ? 0 : Math.abs(now - second) < 30;
}
