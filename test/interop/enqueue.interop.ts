/** Point 1: what one side's client enqueues, bit by bit as the other's would have, and run by the other's server. */
import assert from 'node:assert/strict';
import { until } from '../helpers/server.ts';
import { clear, enqueueBy, forThreadmill, stateOf } from './both-sides.ts';
import { fromGo, type GoTask, type GoVersion } from './peer.ts';
import type { Stage } from './stage.ts';
import { point, walk } from './walk.ts';

const FROM_GO = {
  point: 1,
  direction: 'Go to Threadmill',
  what: 'tasks reach the handler with every byte and option',
} as const;
const TO_GO = {
  point: 1,
  direction: 'Threadmill to Go',
  what: 'tasks reach the handler with every byte and option',
} as const;
const BOTH = {
  point: 1,
  direction: 'both compared',
  what: 'both clients write the same bytes and keys',
} as const;
const VERSIONS: readonly GoVersion[] = ['0.26.0', '0.24.1'];

/** The two sides' calls may be so far apart on a busy machine: less than any of the times that are compared. */
const SLOW_SECONDS = 120;
/** Whole seconds, a while from now. */
const LATER = Math.floor(Date.now() / 1000) + 3_600;
const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte);

/** Tasks that both clients must write in the same bytes. `since`: the first version that can. */
const CASES: readonly { name: string; task: GoTask; since?: GoVersion }[] = [
  { name: 'without a payload', task: { type: 'ok' } },
  { name: 'with an empty payload', task: { type: 'ok', payload: '' } },
  { name: 'with JSON', task: { type: 'ok', payload: '{"user_id":42}' } },
  { name: 'with every byte', task: { type: 'ok', payload: ALL_BYTES } },
  { name: 'with a type and payload beyond ASCII', task: { type: 'größe:☃', payload: '𝄞 ☃ é' } },
  { name: 'without retries', task: { type: 'ok', options: { maxRetry: 0 } } },
  { name: 'with many retries', task: { type: 'ok', options: { maxRetry: 2_147_483_647 } } },
  { name: 'with a timeout', task: { type: 'ok', options: { timeout: 90_000 } } },
  { name: 'with a deadline', task: { type: 'ok', options: { deadline: LATER } } },
  {
    name: 'with timeout and deadline',
    task: { type: 'ok', options: { timeout: 1_000, deadline: LATER } },
  },
  { name: 'with a retention', task: { type: 'ok', options: { retention: 86_400_000 } } },
  { name: 'for later', task: { type: 'ok', payload: 'x', options: { processAt: LATER } } },
  { name: 'for an instant that is past', task: { type: 'ok', options: { processAt: 1 } } },
  { name: 'with a header', task: { type: 'ok', headers: { trace: 'äbc' } }, since: '0.26.0' },
  { name: 'with an empty header', task: { type: 'ok', headers: { '': '' } }, since: '0.26.0' },
  { name: 'unique', task: { type: 'ok', payload: '{"a":1}', options: { unique: 3_600_000 } } },
  { name: 'unique without a payload', task: { type: 'ok', options: { unique: 3_600_000 } } },
  {
    name: 'unique with an empty payload',
    task: { type: 'ok', payload: '', options: { unique: 3_600_000 } },
  },
  {
    name: 'unique and for later',
    task: { type: 'ok', payload: 'x', options: { unique: 3_600_000, processAt: LATER } },
  },
  { name: 'in a group', task: { type: 'ok', payload: 'x', options: { group: 'a:b' } } },
  {
    name: 'unique in a group',
    task: { type: 'ok', payload: 'x', options: { group: 'g', unique: 3_600_000 } },
  },
];

await walk('enqueue', (stage) => {
  for (const version of VERSIONS) {
    for (const { name, task, since = '0.24.1' } of CASES) {
      if (since > version) continue;
      point(
        stage,
        { ...BOTH, version },
        `both clients write a task ${name} in the same bytes`,
        () => writesTheSame(stage, version, task),
      );
    }
    fromGo1(stage, version);
    toGo1(stage, version);
  }
});

async function writesTheSame(stage: Stage, version: GoVersion, task: GoTask): Promise<void> {
  const queue = stage.queue();
  const whole = { ...task, options: { ...task.options, queue, taskId: 'task-1' } };
  const peer = stage.peer(version);
  await enqueueBy(peer, whole);
  const go = await stateOf(stage, queue);
  await clear(stage, queue);
  await enqueueBy(stage, whole);
  const ours = await stateOf(stage, queue);
  assert.deepEqual(settleGroups(ours.state), settleGroups(go.state));
  assert.deepEqual(Object.keys(ours.ttl), Object.keys(go.ttl));
  for (const [key, seconds] of Object.entries(go.ttl)) {
    assert.ok(
      Math.abs((ours.ttl[key] ?? 0) - seconds) < SLOW_SECONDS,
      `${key}: ${ours.ttl[key]}, ${seconds}`,
    );
  }
}

/** The time of joining a group is now; and asynq forgets the lock in the hash of a grouped task (D4), which we do not. */
function settleGroups(state: Awaited<ReturnType<typeof stateOf>>['state']): unknown {
  const tasks = Object.entries(state.tasks).map(([id, { unique_key: lock, ...fields }]) => [
    id,
    fields['group'] === undefined && lock !== undefined ? { ...fields, unique_key: lock } : fields,
  ]);
  const group = Object.entries(state.group).map(([name, ids]) => [name, Object.keys(ids)]);
  return { ...state, tasks: Object.fromEntries(tasks), group: Object.fromEntries(group) };
}

/** What Go enqueues reaches Threadmill's handler whole. */
function fromGo1(stage: Stage, version: GoVersion): void {
  const headers = version === '0.26.0' ? { trace: 'äbc', other: '' } : {};
  const ways: readonly { name: string; options: GoTask['options'] }[] = [
    { name: 'plain', options: {} },
    { name: 'scheduled', options: { processIn: 1_000 } },
    { name: 'unique', options: { unique: 60_000 } },
    { name: 'unique and scheduled', options: { unique: 60_000, processIn: 1_000 } },
  ];
  for (const { name, options } of ways) {
    point(stage, { ...FROM_GO, version }, `a ${name} task of Go reaches our handler`, async () => {
      const queue = stage.queue();
      const peer = stage.peer(version);
      await stage.server([queue]);
      const more = { queue, maxRetry: 3, deadline: LATER, retention: 60_000 };
      const task = { type: 'see', payload: ALL_BYTES, headers, options: { ...options, ...more } };
      const { id } = await peer.enqueue(task);
      let seen: unknown;
      await until(async () => {
        const info = await stage.client.getTask({ queue, id });
        seen = info?.result && JSON.parse(Buffer.from(info.result).toString());
        return info?.state === 'completed';
      });
      assert.deepEqual(seen, {
        id,
        type: 'see',
        queue,
        payload: Buffer.from(ALL_BYTES).toString('base64'),
        headers,
        retried: 0,
        maxRetry: 3,
        deadline: LATER * 1000,
      });
    });
  }
}

/** What Threadmill enqueues reaches Go's handler whole. */
function toGo1(stage: Stage, version: GoVersion): void {
  const headers = version === '0.26.0' ? { trace: 'äbc', other: '' } : undefined;
  const ways: readonly { name: string; options: GoTask['options'] }[] = [
    { name: 'plain', options: {} },
    { name: 'scheduled', options: { processIn: 1_000 } },
    { name: 'unique', options: { unique: 60_000 } },
    { name: 'unique and scheduled', options: { unique: 60_000, processIn: 1_000 } },
  ];
  const shared = { maxRetry: 3, deadline: LATER, retention: 60_000 };
  for (const { name, options } of ways) {
    point(stage, { ...TO_GO, version }, `a ${name} task of ours reaches Go's handler`, async () => {
      const queue = stage.queue();
      const peer = stage.peer(version);
      await peer.serve({ queues: { [queue]: 1 } });
      const task: GoTask = {
        type: 'ok:seen',
        payload: ALL_BYTES,
        ...(headers === undefined ? {} : { headers }),
        options: { ...options, ...shared, queue },
      };
      const id = await enqueueBy(stage, task);
      const { event: _event, payload, ...seen } = await peer.event('begin');
      assert.equal(payload, Buffer.from(ALL_BYTES).toString('base64'));
      assert.deepEqual(seen, {
        id,
        type: 'ok:seen',
        queue,
        headers: headers ?? null,
        retried: 0,
        maxRetry: 3,
        deadline: LATER,
      });
    });
  }
  point(stage, { ...TO_GO, version }, 'a batch of ours is run by Go, each task once', async () => {
    const queue = stage.queue();
    const peer = stage.peer(version);
    const texts = Array.from({ length: 200 }, (_, index) => `task ${index}`);
    const results = await stage.client.enqueueMany(
      texts.map((payload) => {
        const { task, options } = forThreadmill({ type: 'ok', payload, options: { queue } });
        return { task, options };
      }),
    );
    assert.ok(results.every(({ ok }) => ok));
    await peer.serve({ queues: { [queue]: 1 } });
    await until(() => peer.events.filter(({ event }) => event === 'end').length === texts.length);
    const run = peer.events.filter(({ event }) => event === 'begin');
    assert.deepEqual(run.map(({ payload }) => fromGo(payload)).sort(), [...texts].sort());
  });
}
