import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fillQueue, type FillState } from '../../bench/work/fill-queue.ts';
import { Client, Inspector } from '../../src/index.ts';
import { decodeTaskMessage } from '../../src/wire/task-message.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { useRedis } from '../helpers/redis.ts';

const { client: redis, url } = await useRedis();
const payload = Buffer.from('{"turns":0}');

async function fieldsOf(queue: string, id: string): Promise<Record<string, string>> {
  return redis.hgetall(queueKeys(queue).taskPrefix + id);
}

test('a filled task is stored as a client stores it', async () => {
  const client = new Client({ redis: url });
  const task = { type: 'noop', payload: { turns: 0 } };
  const { id: ours } = await client.enqueue(task, { queue: 'sent' });
  await client.close();
  await fillQueue(redis, { queue: 'made', state: 'pending', type: 'noop', payload, count: 1 });
  const [made = ''] = await redis.lrange(queueKeys('made').pending, 0, -1);
  const { msg: sentBytes, ...sent } = await fieldsOf('sent', ours);
  const { msg: madeBytes, ...fields } = await fieldsOf('made', made);
  assert.deepEqual(Object.keys(fields).sort(), Object.keys(sent).sort());
  assert.match(fields['pending_since'] ?? '', /^\d{19}$/);
  const decoded = (bytes = ''): object => ({
    ...decodeTaskMessage(Buffer.from(bytes)),
    id: '',
    queue: '',
  });
  assert.deepEqual(decoded(madeBytes), decoded(sentBytes));
});

test('as many are stored as were asked for, in every state, beyond one call', async () => {
  const states: FillState[] = ['pending', 'scheduled', 'archived'];
  const inspector = new Inspector({ redis: url });
  for (const state of states)
    await fillQueue(redis, { queue: 'many', state, type: 'noop', payload, count: 2_500 });
  const { counts } = await inspector.queueInfo('many');
  const hashes = await redis.keys(`${queueKeys('many').taskPrefix}*`);
  await inspector.close();
  assert.deepEqual([counts.pending, counts.scheduled, counts.archived], [2_500, 2_500, 2_500]);
  assert.equal(hashes.length, 7_500);
});
