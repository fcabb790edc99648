import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  decodeSchedulerEnqueueEvent,
  decodeSchedulerEntry,
  encodeSchedulerEnqueueEvent,
  encodeSchedulerEntry,
} from '../../src/wire/scheduler-entry.ts';
import { enqueueEvent, fromHex, schedulerEntry, toHex } from './golden.ts';

test('the golden SchedulerEntry is encoded and decoded as Go does', () => {
  assert.equal(toHex(encodeSchedulerEntry(schedulerEntry.value)), schedulerEntry.hex);
  assert.deepEqual(decodeSchedulerEntry(fromHex(schedulerEntry.hex)), schedulerEntry.value);
});

test('the golden SchedulerEnqueueEvent is encoded and decoded as Go does', () => {
  assert.equal(toHex(encodeSchedulerEnqueueEvent(enqueueEvent.value)), enqueueEvent.hex);
  assert.deepEqual(decodeSchedulerEnqueueEvent(fromHex(enqueueEvent.hex)), enqueueEvent.value);
});

test('an entry that has been enqueued says when', () => {
  const entry = { ...schedulerEntry.value, prevEnqueueAt: 1_700_000_000_000 };
  assert.deepEqual(decodeSchedulerEntry(encodeSchedulerEntry(entry)), entry);
});

test('bytes that are no entry or event are refused', () => {
  assert.throws(() => decodeSchedulerEntry(fromHex('0a05')), { code: 'ERR_UNDECODABLE_MESSAGE' });
  assert.throws(() => decodeSchedulerEnqueueEvent(fromHex('1205')), {
    code: 'ERR_UNDECODABLE_MESSAGE',
  });
});
