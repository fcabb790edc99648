import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, type EnqueueOptions } from '../../src/index.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { useRedis } from '../helpers/redis.ts';

const { client: redis, url } = await useRedis();
const client = new Client({ redis: url });
test.after(() => client.close());

/** Every way to enqueue, and what asynq writes there (protocol 8.1 to 8.6, and D4). */
const WAYS: readonly (readonly [string, EnqueueOptions, readonly string[]])[] = [
  ['pending', {}, ['msg', 'pending_since', 'state']],
  ['scheduled', { processIn: '1h' }, ['msg', 'state']],
  ['unique', { uniqueFor: '1h' }, ['msg', 'pending_since', 'state', 'unique_key']],
  ['in-a-group', { group: 'g' }, ['group', 'msg', 'state']],
];

for (const [name, options, fields] of WAYS) {
  test(`a waiting task that is ${name} holds the protocol's fields and nothing else`, async () => {
    const one = await client.enqueue({ type: 't', payload: { a: 1 } }, { queue: name, ...options });
    const [many] = await client.enqueueMany([
      { task: { type: 't', payload: { a: 2 } }, options: { queue: name, ...options } },
    ]);
    assert.ok(many?.ok);
    for (const id of [one.id, many.info.id]) {
      const hash = await redis.hgetall(queueKeys(name).taskPrefix + id);
      assert.deepEqual(Object.keys(hash).sort(), [...fields]);
    }
  });
}
