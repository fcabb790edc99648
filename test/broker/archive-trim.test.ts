import assert from 'node:assert/strict';
import { rewriteTaskMessage } from '../../src/wire/task-message.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import { active, message, settleOurs, useBroker } from './tasks.ts';

const { broker, client, seed } = await useBroker();
const DAYS_90 = 7_776_000;
const KEPT = 9999;
const failed = rewriteTaskMessage(message('A'), { errorMsg: 'boom', stamp: 'lastFailedAt' });

/** Fills the archive with `count` tasks from `score` on, one a second, hashes too. */
async function fillArchive(count: number, score: number): Promise<void> {
  const script = `for i = 0, ARGV[1] - 1 do
    local id = string.format('old-%05d', i)
    redis.call('ZADD', 'asynq:{q}:archived', string.format('%.0f', ARGV[2] + i * ARGV[3]), id)
    redis.call('HSET', 'asynq:{q}:t:' .. id, 'msg', 'm', 'state', 'archived')
  end`;
  await client.eval(script, 0, count, score, 0);
}

async function archiveA(): Promise<void> {
  const [reply] = await settleOurs(broker, [{ kind: 'archive', id: 'A', message: failed }]);
  assert.equal(reply, 'settled');
}

async function sizes(): Promise<number[]> {
  const hashes = await client.keys('asynq:{q}:t:*');
  return [await client.zcard('asynq:{q}:archived'), hashes.length];
}

test('the archive keeps the newest 9999 tasks, and trimmed ones leave no hash', async () => {
  const now = await earlyInSecond(client);
  await seed(active(['A'], now + 30));
  await fillArchive(KEPT + 2, now - 1000);
  await archiveA();
  assert.deepEqual(await sizes(), [KEPT, KEPT]);
  assert.equal(await client.exists('asynq:{q}:t:A'), 1);
  const oldest = await client.zrange('asynq:{q}:archived', '0', '0');
  assert.deepEqual(oldest, ['old-00003'], 'the three oldest are gone');
});

test('an archive of exactly 9999 is left as it is', async () => {
  const now = await earlyInSecond(client);
  await seed(active(['A'], now + 30));
  await fillArchive(KEPT - 1, now - 1000);
  await archiveA();
  assert.deepEqual(await sizes(), [KEPT, KEPT]);
});

test('more than 8000 tasks of over 90 days go at once, and the attempt is settled all the same', async () => {
  const now = await earlyInSecond(client);
  await seed(active(['A'], now + 30));
  await fillArchive(9500, now - DAYS_90 - 1);
  await archiveA();
  assert.deepEqual(await sizes(), [1, 1]);
  assert.equal(await client.hget('asynq:{q}:t:A', 'state'), 'archived');
  assert.deepEqual(await client.lrange('asynq:{q}:active', 0, -1), []);
});

test('an archive far over its size is brought down to it in one call', async () => {
  const now = await earlyInSecond(client);
  await seed(active(['A'], now + 30));
  await fillArchive(20_000, now - 1000);
  await archiveA();
  assert.deepEqual(await sizes(), [KEPT, KEPT]);
});

test('the age limit is 90 days to the second', async () => {
  const now = await earlyInSecond(client);
  await seed({
    ...active(['A'], now + 30),
    archived: { over: now - DAYS_90, within: now - DAYS_90 + 2 },
  });
  await archiveA();
  assert.deepEqual(await client.zrange('asynq:{q}:archived', '0', '-1'), ['within', 'A']);
});

test('a task that is trimmed the moment it is archived leaves no hash behind', async () => {
  const now = await earlyInSecond(client);
  await seed(active(['A'], now + 30));
  await fillArchive(KEPT, now + 100);
  await archiveA();
  assert.deepEqual(await sizes(), [KEPT, KEPT]);
  assert.equal(await client.exists('asynq:{q}:t:A'), 0);
});

test('no call trims more than some hundreds, however long the archive is', async () => {
  const now = await earlyInSecond(client);
  await seed(active(['A'], now + 30));
  await fillArchive(20_000, now - 1000);
  await client.config('RESETSTAT');
  await archiveA();
  assert.deepEqual(await sizes(), [KEPT, KEPT]);
  const stats = await client.info('commandstats');
  const calls = Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1]);
  assert.ok(calls > 20, `10,002 tasks were trimmed in ${calls} calls`);
});

test('a thousand tasks that are archived together leave the archive at its size', async () => {
  const ids = Array.from({ length: 1000 }, (_, index) => `batch-${index}`);
  const now = await earlyInSecond(client);
  await seed(active(ids, now + 30));
  await fillArchive(KEPT, now - 1000);
  await settleOurs(
    broker,
    ids.map((id) => ({ kind: 'archive', id, message: failed })),
  );
  assert.deepEqual(await sizes(), [KEPT, KEPT]);
});
