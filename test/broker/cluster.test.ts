import assert from 'node:assert/strict';
import { test } from 'node:test';
import { queueKeys } from '../../src/wire/keys.ts';
import type { Broker } from '../../src/broker/broker.ts';
import { createRedisBroker } from '../../src/broker/redis-broker.ts';
import { rewriteTaskMessage } from '../../src/wire/task-message.ts';
import { useRedis } from '../helpers/redis.ts';
import { freePort } from '../helpers/free-port.ts';
import { extendOurs, leaseOurs, message, OWNER, QUEUE, RUN, settleOurs } from './tasks.ts';

/** One node that holds every slot: it refuses keys of different slots as any cluster does. */
const redis = await useRedis({
  args: ['--cluster-enabled', 'yes', '--bind', '127.0.0.1', '--port', `${await freePort()}`],
});
const { client } = redis;
await client.call('CLUSTER', 'ADDSLOTS', ...Array.from({ length: 16_384 }, (_, slot) => slot));
while (!(await client.cluster('INFO')).includes('cluster_state:ok')) {
  await new Promise(setImmediate);
}

test('every call stays within one slot', async () => {
  const broker = createRedisBroker({ redis: redis.url, connectTimeoutMs: 2000 });
  await broker.check();
  const lock = queueKeys(QUEUE).unique('t', Buffer.from('x'));
  await client.set(lock, 'A');
  const ids = ['A', 'B', 'C', 'D', 'E', 'F'];
  await broker.enqueue(
    QUEUE,
    ids.map((taskId) => ({ taskId, message: message(taskId) })),
  );
  const later = { taskId: 'later', message: message('later'), when: { in: 60_000 } } as const;
  const call = { caller: 'us', slot: 0, number: 1, withinMs: 2000 };
  const [stored] = await broker.enqueue(QUEUE, [later], call);
  assert.deepEqual(await broker.enqueue(QUEUE, [later], call), [stored]);
  for (const id of ids) {
    assert.deepEqual(
      (await leaseOurs(broker)).tasks.map((task) => task.id),
      [id],
    );
  }
  assert.equal(await broker.markCanceled('E'), 1);
  assert.deepEqual(await extendOurs(broker, ids), { gone: [], canceled: ['E'] });
  const adoption = {
    queue: QUEUE,
    taskId: 'F',
    from: { server: OWNER, run: RUN },
    to: { server: 'other', run: RUN },
    leaseMs: 30_000,
  };
  assert.equal((await broker.adopt(adoption))?.id, 'F');
  assert.equal((await broker.heldTasks(QUEUE, OWNER)).length, ids.length - 1);
  const requeue = { kind: 'requeue', id: 'F', mark: 'crash' } as const;
  assert.deepEqual(await settleOurs(broker, [requeue], 'other'), ['settled']);
  const failed = rewriteTaskMessage(message('X'), { stamp: 'lastFailedAt' });
  const replies = await settleOurs(broker, [
    { kind: 'done', id: 'A', uniqueKey: lock },
    // A lock key that a peer made up in another slot must not end the script half-way.
    { kind: 'complete', id: 'B', uniqueKey: 'other', message: failed, retentionSeconds: 1 },
    { kind: 'retry', id: 'C', message: failed, delayMs: 0, counts: true },
    { kind: 'archive', id: 'D', message: failed },
    { kind: 'requeue', id: 'E' },
  ]);
  assert.deepEqual(new Set(replies), new Set(['settled']));
  assert.equal(await client.exists(lock), 0);
  await client.hset(queueKeys(QUEUE).task('C'), 'group', 'g');
  assert.equal(await broker.forward(QUEUE), 1);
  await broker.expireCompleted(QUEUE);
  await broker.expiredLeases(QUEUE);
  await client.lpush(queueKeys(QUEUE).active, 'E');
  const [adrift] = await broker.unleased(QUEUE);
  const lost = { token: adrift?.token, settlement: { kind: 'requeue', id: 'E' } } as const;
  assert.deepEqual(await broker.settleExpired(QUEUE, [lost]), ['lost']);
  assert.deepEqual(await broker.settleUnleased(QUEUE, [lost]), ['settled']);
  assert.equal((await broker.queueInfo(QUEUE)).counts.aggregating, 1);
  assert.equal((await broker.getTask(QUEUE, 'D'))?.state, 'archived');
  const info = Buffer.from('x');
  const workers = [{ taskId: 'E', info }];
  await broker.announce({ address: 'host:1:x', info, workers, ttlSeconds: 10 });
  assert.deepEqual(await broker.localServers('host'), ['host:1:x']);
  await broker.withdraw('host:1:x');
  assert.deepEqual(await broker.queues(), [QUEUE]);
  await operate(broker);
  const scheduler = 'host:1:y';
  const claims = [{ entryId: 'x' }, { entryId: 'y' }];
  const led = await broker.lead({ scheduler, leaseMs: 1000, claims });
  assert.equal(led.entries.length, 2);
  await broker.listSchedule({ scheduler, entries: [info], ttlSeconds: 10 });
  await broker.unlistSchedule(scheduler);
  await broker.noteEnqueue({ entryId: 'x', at: led.now, event: info, ttlSeconds: 10 });
  await broker.close();
});

test('unique tasks, groups, replaced tasks and edits stay within one slot', async () => {
  const broker = createRedisBroker({ redis: redis.url, connectTimeoutMs: 2000 });
  const keys = queueKeys('q2');
  const lock = keys.unique('t', Buffer.from('x'));
  const unique = { key: lock, seconds: 60 };
  // A lock key that a peer made up in another slot must not end the script half-way.
  await client.hset(keys.task('A'), { msg: 'm', state: 'archived', unique_key: 'other' });
  const replies = await broker.enqueue('q2', [
    { taskId: 'A', message: message('A'), unique, replaceArchived: true, when: { in: 60_000 } },
    { taskId: 'B', message: message('B'), unique },
    { taskId: 'C', message: message('C'), group: 'g' },
  ]);
  assert.deepEqual(
    replies.map(({ status }) => status),
    ['scheduled', 'duplicate', 'aggregating'],
  );
  const edit = { queue: 'q2', taskId: 'A', old: message('A'), message: message('A') };
  const to = keys.unique('t', Buffer.from('y'));
  assert.equal((await broker.replaceMessage({ ...edit, lock: { from: lock, to } })).status, 'done');
  assert.equal(await client.get(to), 'A');
  assert.equal(
    (await broker.replaceMessage({ ...edit, lock: { from: 'other', to: lock } })).status,
    'done',
  );
  assert.equal(await client.exists(lock), 0);
  await client.hset(keys.task('A'), 'unique_key', 'other');
  const later = { queue: 'q2', taskId: 'A', when: { in: 120_000 } };
  assert.equal((await broker.reschedule(later)).status, 'done');
  await broker.close();
});

/** What operators do. */
async function operate(broker: Broker): Promise<void> {
  assert.ok(await broker.hasQueue(QUEUE));
  assert.equal((await broker.history(QUEUE, 2)).length, 2);
  assert.deepEqual(await broker.groupSizes(QUEUE), [{ name: 'g', size: 1 }]);
  const place = { queue: QUEUE, state: 'aggregating', group: 'g' } as const;
  const { entries } = await broker.listIds(place, 0, 10);
  assert.equal(
    (
      await broker.readTasks(
        QUEUE,
        entries.map(({ id }) => id),
        true,
      )
    ).length,
    1,
  );
  assert.deepEqual(await broker.changeTasks(QUEUE, 'archive', ['C', 'D']), [
    { status: 'changed' },
    { status: 'refused', state: 'archived' },
  ]);
  const archived = { queue: QUEUE, state: 'archived' } as const;
  const first = await broker.sweep({ place: archived, action: 'run', count: 10 });
  const listed = { at: 0, entries: first.entries.map((entry) => ({ ...entry, isChosen: true })) };
  const step = { place: archived, action: 'run', count: 10, listed } as const;
  assert.equal((await broker.sweep(step)).changed, 2);
  assert.deepEqual(await broker.servers(), { infos: [], workers: [] });
  assert.deepEqual(await broker.scheduleEntries(), []);
  assert.deepEqual(await broker.scheduleEvents('nobody', 0, 9), []);
  assert.ok(await broker.pause(QUEUE));
  assert.ok(await broker.resume(QUEUE));
  assert.ok((await broker.removeQueue(QUEUE, { act: 'pause' })).isDone);
  const remove = { act: 'remove', count: 100, onlyCompleted: false } as const;
  assert.ok((await broker.removeQueue(QUEUE, remove)).isDone);
  await broker.registerQueue(QUEUE, false);
  assert.deepEqual(await broker.queues(), []);
}
