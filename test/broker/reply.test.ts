import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toBytes } from '../../src/broker/reply.ts';
import { useRedis } from '../helpers/redis.ts';

const { client } = await useRedis();

test('a small reply is copied out of the chunk that it came in', async () => {
  await client.set('small', Buffer.alloc(100, 1));
  const reply = await client.getBuffer('small');
  assert.ok(reply !== null && reply.buffer.byteLength > 100, 'it lies in a larger chunk');
  const bytes = toBytes(reply);
  assert.equal(bytes.buffer.byteLength, 100);
  assert.deepEqual(bytes, new Uint8Array(100).fill(1));
});

test('a large reply is not copied, and owns its memory', async () => {
  await client.set('large', Buffer.alloc(1_000_000, 2));
  const reply = await client.getBuffer('large');
  assert.ok(reply !== null);
  const bytes = toBytes(reply);
  assert.equal(bytes.buffer, reply.buffer);
  assert.equal(bytes.buffer.byteLength, 1_000_000);
  assert.equal(Object.getPrototypeOf(bytes), Uint8Array.prototype, 'no Buffer leaves the broker');
});
