import assert from 'node:assert/strict';
import { test } from 'node:test';
import { message, useBroker } from '../broker/tasks.ts';
import { startCli } from './process.ts';

const { client, redis, seed } = await useBroker();

test('Ctrl-C stops between two steps, and says how far it came', async () => {
  const now = Math.floor(Date.now() / 1000);
  const ids = Array.from({ length: 20_000 }, (_, i) => `task-${i}`);
  const msg = message('x', { payload: Buffer.alloc(2000) });
  await seed({
    archived: Object.fromEntries(ids.map((id) => [id, now])),
    tasks: Object.fromEntries(ids.map((id) => [id, { msg, state: 'archived' }])),
  });
  await client.sadd('asynq:queues', 'q');
  const words = ['task', 'deleteall', '-q', 'q', '-s', 'archived', '--yes'];
  const run = startCli(words, { env: { REDIS_URL: redis.url } });
  while ((await client.zcard('asynq:{q}:archived')) === ids.length);
  run.child.kill('SIGINT');
  const { code, stdout } = await run.ended;
  const [, deleted = '', seen = ''] =
    /^deleted: ([\d,]+) tasks?; stopped after ([\d,]+) of 20,000\n$/.exec(stdout) ?? [];
  assert.deepEqual([code, deleted], [130, seen]);
  const left = await client.zcard('asynq:{q}:archived');
  assert.equal(left, ids.length - Number(deleted.replaceAll(',', '')));
});
