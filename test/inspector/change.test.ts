import assert from 'node:assert/strict';
import { after as afterAll } from 'node:test';
import type { TaskAction } from '../../src/broker/broker.ts';
import { InvalidOptionsError, TaskNotFoundError, TaskStateError } from '../../src/errors.ts';
import { Inspector } from '../../src/index.ts';
import { ALLOWED } from '../../src/inspector/selection.ts';
import type { TaskSelection } from '../../src/inspector/types.ts';
import { message, QUEUE, useBroker } from '../broker/tasks.ts';
import {
  queueState,
  type QueueState,
  state as whole,
  withoutPendingSince,
} from '../helpers/queue-state.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import { after, fieldsIn, lockOf, one, STATES } from './states.ts';

const { client, redis, seed } = await useBroker();
const inspector = new Inspector({ redis: redis.url });
afterAll(() => inspector.close());

const ACTIONS: readonly TaskAction[] = ['run', 'archive', 'delete'];

async function seedQueue(parts: Partial<QueueState>): Promise<void> {
  await seed(parts);
  await client.sadd('asynq:queues', QUEUE);
}

async function present(): Promise<QueueState> {
  return withoutPendingSince(await queueState(client, QUEUE));
}

function selections(state: (typeof STATES)[number], id: string): TaskSelection[] {
  const group = state === 'aggregating' ? { group: 'g' } : {};
  const place = { queue: QUEUE, state, ...group };
  return [
    { queue: QUEUE, id },
    { queue: QUEUE, ids: [id, id] },
    place,
    { ...place, filter: { type: 't', payload: { path: 'a', equals: 1 } } },
  ];
}

for (const action of ACTIONS) {
  for (const state of STATES) {
    const isAllowed = ALLOWED[action].includes(state);

    test(`${action} of a task that is ${state} ${isAllowed ? 'does so' : 'is refused'}`, async () => {
      const now = await earlyInSecond(client);
      for (const selection of selections(state, 'A')) {
        await seedQueue(one(state, 'A', now + 50));
        if ('state' in selection && (state === 'archived' || state === 'aggregating')) {
          await seedQueue(one(state, 'A', now)); // these are met as they were when the call began
        }
        const untouched = await queueState(client, QUEUE);
        if (isAllowed) {
          const result = await inspector[action](selection);
          const figures = { seen: 1, changed: 1, total: 1, failures: [], isStopped: false };
          assert.deepEqual(result, figures, JSON.stringify(selection));
          assert.deepEqual(await present(), whole(after(action, state, 'A', now)));
          continue;
        }
        if ('id' in selection) {
          await assert.rejects(inspector[action](selection), (error) => {
            return error instanceof TaskStateError && error.state === state;
          });
        } else if ('ids' in selection) {
          const { changed, seen, failures } = await inspector[action](selection);
          assert.deepEqual([changed, seen, failures.length], [0, 1, 1]);
          assert.ok(failures[0]?.error instanceof TaskStateError);
        } else {
          await assert.rejects(inspector[action](selection), InvalidOptionsError);
        }
        assert.deepEqual(await queueState(client, QUEUE), untouched);
      }
    });
  }

  test(`${action} of a task that is not there says so`, async () => {
    await seedQueue({});
    await assert.rejects(inspector[action]({ queue: QUEUE, id: 'A' }), TaskNotFoundError);
    const { failures } = await inspector[action]({ queue: QUEUE, ids: ['A', 'B'] });
    assert.deepEqual(
      failures.map(({ id, error }) => [id, error instanceof TaskNotFoundError]),
      [
        ['A', true],
        ['B', true],
      ],
    );
  });

  test(`${action} leaves a task alone that is not where its state says`, async () => {
    const now = await earlyInSecond(client);
    for (const state of ALLOWED[action]) {
      const { tasks = {}, locks = {} } = one(state, 'A', now);
      await seedQueue({ tasks, locks });
      const untouched = await queueState(client, QUEUE);
      await assert.rejects(inspector[action]({ queue: QUEUE, id: 'A' }), TaskStateError);
      assert.deepEqual(await queueState(client, QUEUE), untouched);
    }
  });
}

test('run notes since when a task is pending', async () => {
  const now = await earlyInSecond(client);
  for (const selection of selections('retry', 'A')) {
    await seedQueue(one('retry', 'A', now));
    await inspector.run(selection);
    const since = await client.hget('asynq:{q}:t:A', 'pending_since');
    assert.match(since ?? '', new RegExp(`^${now}\\d{9}$`));
  }
});

test('a lock that belongs to another task stays', async () => {
  const now = await earlyInSecond(client);
  for (const state of ALLOWED.delete) {
    for (const selection of selections(state, 'A')) {
      await seedQueue({ ...one(state, 'A', now), locks: { [lockOf('A')]: 'B' } });
      await inspector.delete(selection);
      assert.deepEqual(await present(), whole({ locks: { [lockOf('A')]: 'B' } }));
    }
  }
});

test('a group with tasks left stays listed', async () => {
  await seedQueue({
    groups: ['g'],
    group: { g: { A: 1, B: 1 } },
    tasks: { A: fieldsIn('aggregating', 'A'), B: fieldsIn('aggregating', 'B') },
  });
  await inspector.delete({ queue: QUEUE, id: 'A' });
  assert.deepEqual((await present()).groups, ['g']);
  await inspector.delete({ queue: QUEUE, state: 'aggregating', group: 'g' });
  assert.deepEqual((await present()).groups, []);
});

test('the archive is trimmed with the hashes of what it drops', async () => {
  const now = await earlyInSecond(client);
  await seedQueue(one('retry', 'A', now));
  const old = now - 90 * 86_400 - 5;
  const batch = client.pipeline();
  for (let i = 0; i < 10_050; i += 1) {
    batch.zadd('asynq:{q}:archived', i < 3 ? old : now - 9, `x${i}`);
    batch.hset('asynq:{q}:t:' + `x${i}`, 'state', 'archived');
  }
  await batch.exec();
  await inspector.archive({ queue: QUEUE, id: 'A' });
  assert.equal(await client.zcard('asynq:{q}:archived'), 9999);
  assert.equal((await client.keys('asynq:{q}:t:*')).length, 9999);
  assert.equal(await client.hget('asynq:{q}:t:A', 'state'), 'archived');
});

test('an ID without hash goes when all are deleted, and does not become a task when all are run', async () => {
  const now = await earlyInSecond(client);
  await seedQueue({ pending: ['ghost'], retry: { ghost: now } });
  await inspector.run({ queue: QUEUE, state: 'retry' });
  assert.deepEqual(await present(), whole({ pending: ['ghost'] }));
  await inspector.delete({ queue: QUEUE, state: 'pending' });
  assert.deepEqual(await present(), whole());
});

test('what is selected wrongly is refused with all that is wrong', async () => {
  await seedQueue({});
  const wrong = [
    { queue: '', id: 'A' },
    { queue: QUEUE, id: ' ' },
    { queue: QUEUE, ids: ['A', ''] },
    { queue: QUEUE, state: 'aggregating' as const },
    { queue: QUEUE, state: 'retry' as const, group: 'g' },
    { queue: QUEUE, state: 'done' as 'retry' },
    { queue: QUEUE, state: 'retry' as const, filter: { olderThanMs: -1 } },
    { queue: QUEUE, state: 'retry' as const, filter: { typo: 1 } as object },
  ];
  for (const selection of wrong) {
    await assert.rejects(
      inspector.delete(selection),
      InvalidOptionsError,
      JSON.stringify(selection),
    );
  }
});

test('messages that cannot be read are deleted like others', async () => {
  const now = await earlyInSecond(client);
  const bad = (id: string): object => ({
    msg: Buffer.from([255, id.length]),
    state: 'aggregating',
    group: 'g',
  });
  await seedQueue({
    groups: ['g'],
    group: { g: { A: now, BB: now } },
    tasks: { A: { ...bad('A') }, BB: { ...bad('BB') } },
  });
  await inspector.delete({ queue: QUEUE, id: 'A' });
  await inspector.delete({ queue: QUEUE, state: 'aggregating', group: 'g' });
  assert.deepEqual(await present(), whole());
  void message;
});
