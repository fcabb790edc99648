import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  inParts,
  isTransferred,
  ownPayload,
  packBatch,
  TRANSFER_FROM_BYTES,
  unpackBatch,
  type PlacedEnvelope,
  type PlacedTask,
} from '../../src/threads/task-batch.ts';

function envelope(run: number, changes: Partial<PlacedEnvelope> = {}): PlacedEnvelope {
  return {
    run,
    place: run + 100,
    handler: { url: 'file:///a.js', pattern: 'a' },
    id: `task-${run}`,
    type: 'a',
    queue: 'q',
    payload: Uint8Array.of(run),
    headers: {},
    retried: 0,
    maxRetry: 25,
    keepsResult: false,
    ...changes,
  };
}

function toTask({ place, ...rest }: PlacedEnvelope): PlacedTask {
  return { envelope: rest, place };
}

/** As it arrives in the thread. */
function sent(envelopes: readonly PlacedEnvelope[]): PlacedEnvelope[] {
  const { batch, transferList } = packBatch(envelopes.map(toTask));
  return unpackBatch(structuredClone(batch, { transfer: transferList }));
}

test('tasks arrive as they were sent, in their order, with every field', () => {
  const whole = envelope(2, {
    handler: { url: 'file:///b.js', pattern: 'b:' },
    headers: { trace: 'x', empty: '' },
    retried: 3,
    keepsResult: true,
    deadline: 1_700_000_000_000,
    group: { name: 'g', ids: ['1'], types: ['t'], ends: Uint32Array.of(1), headers: new Map() },
  });
  const tasks = [envelope(1), whole, envelope(3, { payload: new Uint8Array() })];
  assert.deepEqual(sent(tasks), tasks);
});

test('each payload owns its memory, however many come in one message', () => {
  const [first, second] = sent([envelope(1), envelope(2)]);
  assert.equal(first?.payload.buffer.byteLength, 1);
  assert.deepEqual(second?.payload, Uint8Array.of(2));
});

test('a slice of a larger buffer arrives as what it shows', () => {
  const pool = Uint8Array.from({ length: 100 }, (_, i) => i);
  const [task] = sent([envelope(1, { payload: pool.subarray(10, 13) })]);
  assert.deepEqual(task?.payload, Uint8Array.of(10, 11, 12));
  assert.equal(pool.byteLength, 100);
});

test('a large payload moves to the thread, small ones beside it are copied', () => {
  const large = new Uint8Array(TRANSFER_FROM_BYTES).fill(7);
  const small = Uint8Array.of(1, 2);
  const tasks = [
    envelope(1, { payload: small }),
    envelope(2, { payload: large }),
    envelope(3, { payload: small }),
  ];
  assert.deepEqual(tasks.map(isTransferred), [false, true, false]);
  const arrived = sent(tasks).map(({ payload }) => payload);
  assert.deepEqual([large.byteLength, small.byteLength], [0, 2]);
  assert.deepEqual(arrived[0], small);
  assert.equal(arrived[1]?.byteLength, TRANSFER_FROM_BYTES);
  assert.equal(arrived[1]?.[5], 7);
  assert.deepEqual(arrived[2], small);
});

test('what tasks have in common is said once per message, and each gets its own back', () => {
  const common = [
    envelope(1),
    envelope(2, { handler: { url: 'file:///a.js', pattern: 'a' }, deadline: 5 }),
  ];
  const others: Partial<PlacedEnvelope>[] = [
    { handler: { url: 'file:///b.js', pattern: 'a' } },
    { handler: { url: 'file:///a.js', pattern: 'b' } },
    { type: 'b' },
    { queue: 'r' },
    { retried: 1 },
    { maxRetry: 24 },
    { keepsResult: true },
  ];
  const tasks = [
    ...common,
    ...others.map((changes, index) => envelope(index + 3, changes)),
    envelope(20),
  ];
  const { batch } = packBatch(tasks.map(toTask));
  assert.equal(batch.kinds.length, 1 + others.length);
  assert.deepEqual(sent(tasks), tasks);
});

test('a large shared payload stays here until its task begins, and is copied then', () => {
  for (const length of [TRANSFER_FROM_BYTES, 3 * TRANSFER_FROM_BYTES + 1]) {
    const shared = new Uint8Array(new SharedArrayBuffer(length + 100), 37, length).fill(7);
    const small = Uint8Array.of(1, 2);
    const tasks = [envelope(1, { payload: shared }), envelope(2, { payload: small })];
    assert.deepEqual(tasks.map(isTransferred), [false, false]);
    // Sent twice, as when the thread has not begun it.
    const [taken] = sent(tasks);
    const [first, second] = sent(tasks);
    assert.ok(taken !== undefined && first !== undefined && second !== undefined);
    shared.fill(8);
    const own = ownPayload(first);
    assert.deepEqual(own, new Uint8Array(length).fill(8));
    assert.ok(own.buffer instanceof ArrayBuffer);
    assert.equal(own.buffer.byteLength, length);
    shared.fill(9);
    assert.deepEqual(own, new Uint8Array(length).fill(8));
    assert.deepEqual(ownPayload(second), small);
  }
});

test('a small shared payload is copied into the message', () => {
  for (const length of [0, 3, TRANSFER_FROM_BYTES - 1]) {
    const shared = new Uint8Array(new SharedArrayBuffer(length + 100), 37, length).fill(7);
    const [first] = sent([envelope(1, { payload: shared })]);
    assert.ok(first !== undefined);
    shared.fill(8);
    const own = ownPayload(first);
    assert.deepEqual(own, new Uint8Array(length).fill(7));
    assert.ok(own.buffer instanceof ArrayBuffer);
  }
});

test('a message carries all tasks, or as many as it may', () => {
  assert.deepEqual(inParts([1, 2, 3]), [[1, 2, 3]]);
  assert.deepEqual(inParts([1, 2, 3], 3), [[1, 2, 3]]);
  assert.deepEqual(inParts([1, 2, 3], 2), [[1, 2], [3]]);
  assert.deepEqual(inParts([1, 2], 1), [[1], [2]]);
});
