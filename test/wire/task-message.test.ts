import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InvalidOptionsError, UndecodableMessageError } from '../../src/errors.ts';
import {
  decodeTaskMessage,
  emptyTaskMessage,
  encodeTaskMessage,
  viewTaskMessage,
} from '../../src/wire/task-message.ts';
import { anyTaskMessage } from './arbitraries.ts';
import { fromHex, fullTask, plainTask, toHex } from './golden.ts';

for (const [name, golden] of Object.entries({ plainTask, fullTask })) {
  test(`the golden message ${name} is encoded byte for byte as Go does`, () => {
    assert.equal(toHex(encodeTaskMessage(golden.value)), golden.hex);
  });

  test(`the golden message ${name} is decoded to the values Go put in`, () => {
    assert.deepEqual(decodeTaskMessage(fromHex(golden.hex)), golden.value);
    assert.deepEqual(decodeTaskMessage(Buffer.from(golden.hex, 'hex')), golden.value);
  });
}

test('an empty message has no bytes, and no bytes are an empty message', () => {
  assert.equal(encodeTaskMessage(emptyTaskMessage()).length, 0);
  assert.deepEqual(decodeTaskMessage(new Uint8Array(0)), emptyTaskMessage());
});

test('a decoded payload owns its memory', () => {
  const bytes = fromHex(plainTask.hex);
  const { payload } = decodeTaskMessage(bytes);
  bytes.fill(0);
  assert.equal(payload.buffer.byteLength, payload.byteLength);
  assert.equal(Buffer.from(payload).toString(), '{"user_id":42}');
  assert.equal(Buffer.isBuffer(payload), false);
});

test('a message in shared memory is read as any other, and its payload stays in it', () => {
  const encoded = encodeTaskMessage({ ...fullTask.value, errorMsg: 'not \uFFFD text' });
  const shared = new Uint8Array(new SharedArrayBuffer(encoded.length));
  shared.set(encoded);
  const message = viewTaskMessage(shared);
  assert.equal(message.payload.buffer, shared.buffer);
  assert.deepEqual(
    { ...message, payload: new Uint8Array(message.payload) },
    decodeTaskMessage(encoded),
  );
});

test('messages without payload do not share one, so that each can be transferred', () => {
  const first = decodeTaskMessage(new Uint8Array(0)).payload;
  structuredClone(first, { transfer: [first.buffer as ArrayBuffer] });
  const second = decodeTaskMessage(new Uint8Array(0)).payload;
  assert.notEqual(first.buffer, second.buffer);
});

test('every message survives encoding and decoding', () => {
  fc.assert(
    fc.property(anyTaskMessage(), (message) => {
      assert.deepEqual(decodeTaskMessage(encodeTaskMessage(message)), message);
    }),
  );
});

test('whatever the bytes are, decoding throws nothing but UndecodableMessageError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => decodesOrIsRefused(bytes)),
    { numRuns: 2000 },
  );
});

test('a message damaged in one place decodes or is refused, and never throws anything else', () => {
  const whole = fromHex(fullTask.hex);
  const damage = fc.record({
    at: fc.nat(whole.length - 1),
    byte: fc.integer({ min: 0, max: 255 }),
  });
  fc.assert(
    fc.property(damage, fc.nat(whole.length), ({ at, byte }, length) => {
      const bytes = whole.slice(0, length);
      if (at < length) bytes[at] = byte;
      decodesOrIsRefused(bytes);
    }),
    { numRuns: 2000 },
  );
});

function decodesOrIsRefused(bytes: Uint8Array): void {
  try {
    decodeTaskMessage(bytes);
  } catch (error) {
    assert.ok(error instanceof UndecodableMessageError, String(error));
  }
}

const REFUSED: Readonly<Record<string, string>> = {
  'JSON text': Buffer.from('{"type":"x"}').toString('hex'),
  'a length beyond the end': '0a05616263',
  'a length of 4 GiB': '0affffffff0f',
  'field number 0': '0001',
  'a group that never ends': '7b0801',
  'a group end without a group': '0c',
  'a reserved wire type': '0e',
  'an unfinished varint': '2880',
  'a varint of eleven bytes': '28ffffffffffffffffffff01',
  'a varint over 64 bits': '40ffffffffffffffffff7f',
  'an unknown varint of eleven bytes': '8001ffffffffffffffffffff01',
  'a header that reaches beyond its entry': '7a020a05616263',
  'a cut fixed64': 'a10101020304',
  'invalid UTF-8 in the type': '0a02c328',
  'an encoded surrogate in the error text': '3a03eda080',
  'invalid UTF-8 in a header': '7a050a01611200'.replace('0161', '01ff'),
};

for (const [name, hex] of Object.entries(REFUSED)) {
  test(`a message with ${name} is undecodable`, () => {
    assert.throws(() => decodeTaskMessage(fromHex(hex)), {
      name: 'UndecodableMessageError',
      code: 'ERR_UNDECODABLE_MESSAGE',
    });
  });
}

test('fields that are unknown or of another wire type are skipped', () => {
  const unknown =
    '80010a' + '8a0103616263' + 'a1010102030405060708' + 'ad0101020304' + '9b0108019c01';
  const wrongType = '0801' + '2a0141'; // type as a varint, retry as bytes
  assert.deepEqual(
    decodeTaskMessage(fromHex(unknown + plainTask.hex + wrongType)),
    plainTask.value,
  );
});

test('of a field that stands twice the last one holds', () => {
  assert.equal(decodeTaskMessage(fromHex('0a01610a0162')).type, 'b');
});

test('an int64 beyond what a number holds is clamped', () => {
  assert.equal(decodeTaskMessage(fromHex('40ffffffffffffffff7f')).timeout, Number.MAX_SAFE_INTEGER);
  assert.equal(
    decodeTaskMessage(fromHex('4080808080808080808001')).timeout,
    Number.MIN_SAFE_INTEGER,
  );
  assert.equal(decodeTaskMessage(fromHex('40ffffffffffffffffff01')).timeout, -1);
});

test('the replacement character itself is valid text, and so is a byte order mark', () => {
  const message = { ...emptyTaskMessage(), type: '\uFEFFa\uFFFD' };
  assert.deepEqual(decodeTaskMessage(encodeTaskMessage(message)), message);
});

test('a header called __proto__ is a header', () => {
  const headers: Record<string, string> = JSON.parse('{"__proto__":"x"}');
  const decoded = decodeTaskMessage(encodeTaskMessage({ ...emptyTaskMessage(), headers }));
  assert.deepEqual(Object.entries(decoded.headers), [['__proto__', 'x']]);
  assert.equal(Object.getPrototypeOf(decoded.headers), Object.prototype);
});

test('an entry without key or value is an empty key or value, and empty ones are written', () => {
  assert.deepEqual(decodeTaskMessage(fromHex('7a00')).headers, { '': '' });
  const bytes = encodeTaskMessage({ ...emptyTaskMessage(), headers: { a: '' } });
  assert.equal(toHex(bytes), '7a050a01611200');
});

for (const field of ['type', 'id', 'queue', 'errorMsg', 'uniqueKey', 'groupKey'] as const) {
  test(`a lone surrogate in ${field} is refused by name`, () => {
    const message = { ...emptyTaskMessage(), [field]: 'a\uD800b' };
    assert.throws(() => encodeTaskMessage(message), isIssueOf(field));
  });
}

test('a lone surrogate in a header is refused by name', () => {
  const encode = (headers: Record<string, string>): Uint8Array =>
    encodeTaskMessage({ ...emptyTaskMessage(), headers });
  assert.throws(() => encode({ trace: '\uDC00' }), isIssueOf('headers.trace'));
  assert.throws(() => encode({ '\uDC00': 'x' }), isIssueOf('headers'));
});

test('a number that the wire cannot hold is refused by name', () => {
  assert.throws(
    () => encodeTaskMessage({ ...emptyTaskMessage(), timeout: 1.5 }),
    isIssueOf('timeout'),
  );
  assert.throws(
    () => encodeTaskMessage({ ...emptyTaskMessage(), deadline: 2 ** 53 }),
    isIssueOf('deadline'),
  );
  assert.throws(
    () => encodeTaskMessage({ ...emptyTaskMessage(), retry: 2 ** 31 }),
    isIssueOf('retry'),
  );
});

function isIssueOf(field: string): (error: unknown) => boolean {
  return (error) => error instanceof InvalidOptionsError && error.issues[0]?.name === field;
}
