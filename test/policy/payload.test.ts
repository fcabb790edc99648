import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodePayload, isWellFormed } from '../../src/payload.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

test('nothing is no bytes, and null is JSON', () => {
  assert.equal(encodePayload(undefined).length, 0);
  assert.equal(text(encodePayload(null)), 'null');
});

test('a string is UTF-8, not JSON', () => {
  assert.equal(text(encodePayload('häß "x"')), 'häß "x"');
});

test('anything else is JSON', () => {
  assert.equal(text(encodePayload({ a: [1, true, null] })), '{"a":[1,true,null]}');
  assert.equal(text(encodePayload(42)), '42');
  assert.equal(text(encodePayload(new Date(0))), '"1970-01-01T00:00:00.000Z"');
});

test('encoded text owns its memory, so that it can be transferred', () => {
  for (const value of ['x', 'ä'.repeat(5000), { a: 1 }]) {
    const encoded = encodePayload(value);
    assert.equal(encoded.buffer.byteLength, encoded.byteLength);
  }
});

const bytes = new Uint8Array([0, 1, 2, 255, 128, 7]);
const BYTES: Readonly<Record<string, () => unknown>> = {
  'a Uint8Array': () => bytes.slice(),
  'a part of a Uint8Array': () => new Uint8Array([9, ...bytes, 9]).subarray(1, 7),
  'a Buffer': () => Buffer.from(bytes),
  'an ArrayBuffer': () => bytes.slice().buffer,
  'a SharedArrayBuffer': () => {
    const shared = new SharedArrayBuffer(6);
    new Uint8Array(shared).set(bytes);
    return shared;
  },
  'a DataView': () => new DataView(bytes.slice().buffer),
  'a Uint16Array': () => new Uint16Array(bytes.slice().buffer),
};

for (const [name, make] of Object.entries(BYTES)) {
  test(`${name} is copied as it is, into memory of its own`, () => {
    const given = make();
    const encoded = encodePayload(given);
    assert.deepEqual(encoded, bytes);
    assert.equal(Object.getPrototypeOf(encoded), Uint8Array.prototype);
    assert.ok(encoded.buffer instanceof ArrayBuffer);
    assert.equal(encoded.buffer.byteLength, encoded.byteLength);
    assert.notEqual(encoded.buffer, ArrayBuffer.isView(given) ? given.buffer : given);
  });
}

const circular: Record<string, unknown> = {};
circular['self'] = circular;
const REFUSED: Readonly<Record<string, unknown>> = {
  'a function': () => 1,
  'a symbol': Symbol('x'),
  'a bigint': 1n,
  'a nested bigint': { a: [1n] },
  'a circular value': circular,
  'a toJSON that throws': {
    toJSON(): never {
      throw new Error('no');
    },
  },
  'a toJSON without a value': { toJSON: () => undefined },
  'a string with a lone surrogate': 'a\uD800b',
};

for (const [name, value] of Object.entries(REFUSED)) {
  test(`${name} is refused, and the error says what it was`, () => {
    assert.throws(() => encodePayload(value, 'result'), {
      code: 'ERR_NOT_SERIALIZABLE',
      message: /^result/,
    });
  });
}

test('a refused value keeps its cause', () => {
  assert.throws(
    () => encodePayload(circular),
    (error: Error) => error.cause instanceof TypeError,
  );
});

test('a text is well-formed when no surrogate stands alone', () => {
  assert.deepEqual(['', 'a', '😀', '\uD83D', '\uDE00a', 'a\uDE00\uD83D'].map(isWellFormed), [
    true,
    true,
    true,
    false,
    false,
    false,
  ]);
});
