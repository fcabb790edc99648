import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodeServerInfo,
  decodeWorkerInfo,
  encodeServerInfo,
  encodeWorkerInfo,
} from '../../src/wire/server-info.ts';
import { fromHex, serverInfo, toHex, workerInfo } from './golden.ts';

test('the golden ServerInfo is encoded and decoded as Go does', () => {
  assert.equal(toHex(encodeServerInfo(serverInfo.value)), serverInfo.hex);
  assert.deepEqual(decodeServerInfo(fromHex(serverInfo.hex)), serverInfo.value);
});

test('the golden WorkerInfo is encoded and decoded as Go does', () => {
  assert.equal(toHex(encodeWorkerInfo(workerInfo.value)), workerInfo.hex);
  assert.deepEqual(decodeWorkerInfo(fromHex(workerInfo.hex)), workerInfo.value);
});

test('several queues keep their priorities', () => {
  const queues = { critical: 6, default: 3, low: 1 };
  const bytes = encodeServerInfo({ ...serverInfo.value, queues });
  assert.deepEqual(decodeServerInfo(bytes).queues, queues);
});

test('unknown fields of newer peers are skipped', () => {
  const unknown = 'f20103616263';
  assert.deepEqual(decodeServerInfo(fromHex(unknown + serverInfo.hex)), serverInfo.value);
  assert.deepEqual(decodeWorkerInfo(fromHex(workerInfo.hex + unknown)), workerInfo.value);
});

test('whatever the bytes are, decoding throws nothing but UndecodableMessageError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
      for (const decode of [decodeServerInfo, decodeWorkerInfo]) {
        try {
          decode(bytes);
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'ERR_UNDECODABLE_MESSAGE', String(error));
        }
      }
    }),
    { numRuns: 1000 },
  );
});
