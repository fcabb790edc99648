import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodeSchedulerEnqueueEvent,
  encodeSchedulerEnqueueEvent,
} from '../../src/wire/scheduler-entry.ts';
import { fromHex, toHex } from './golden.ts';

function roundTrip(enqueuedAt: number): number {
  return decodeSchedulerEnqueueEvent(encodeSchedulerEnqueueEvent({ taskId: '', enqueuedAt }))
    .enqueuedAt;
}

test('every whole millisecond survives, before 1970 too', () => {
  const instants = fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 });
  fc.assert(fc.property(instants, (at) => assert.equal(roundTrip(at), at)));
});

test('1970 is written as an empty Timestamp and an absent one reads as 1970', () => {
  assert.equal(toHex(encodeSchedulerEnqueueEvent({ taskId: '', enqueuedAt: 0 })), '1200');
  assert.equal(decodeSchedulerEnqueueEvent(new Uint8Array(0)).enqueuedAt, 0);
});

test('nanoseconds beyond the millisecond become a fraction', () => {
  // seconds 1, nanos 1500000
  assert.equal(decodeSchedulerEnqueueEvent(fromHex('1206080110e0c65b')).enqueuedAt, 1001.5);
});

test('an instant before 1970 has positive nanoseconds', () => {
  // -1 ms = second -1 and 999000000 ns
  const hex = toHex(encodeSchedulerEnqueueEvent({ taskId: '', enqueuedAt: -1 }));
  assert.equal(hex, '121108ffffffffffffffffff0110c08faedc03');
});
