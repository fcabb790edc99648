import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodeTaskMessage,
  emptyTaskMessage,
  encodeTaskMessage,
  replacePayload,
  rewriteTaskMessage,
  stampTaskMessage,
} from '../../src/wire/task-message.ts';
import type { MessageChange } from '../../src/wire/task-message.ts';
import { anyTaskMessage } from './arbitraries.ts';
import { fromHex, fullTask, plainTask, toHex } from './golden.ts';

const NOW = 1_700_000_000;

function anyChange(): fc.Arbitrary<MessageChange> {
  return fc.record(
    {
      errorMsg: fc.string({ unit: 'binary', maxLength: 300 }),
      retried: fc.nat(2 ** 31 - 1),
      stamp: fc.constantFrom('lastFailedAt' as const, 'completedAt' as const),
    },
    { requiredKeys: ['stamp'], noNullPrototype: true },
  );
}

test('rewriting and stamping gives the bytes that decoding, changing and encoding gives', () => {
  fc.assert(
    fc.property(
      anyTaskMessage(),
      anyChange(),
      fc.integer({ min: 1, max: 2 ** 40 }),
      (message, change, now) => {
        const rewritten = rewriteTaskMessage(encodeTaskMessage(message), change);
        const { stamp, ...fields } = change;
        const wanted = encodeTaskMessage({ ...message, ...fields, [stamp]: now });
        assert.equal(toHex(stampTaskMessage(rewritten, now)), toHex(wanted));
      },
    ),
  );
});

test('replacing payload and lock gives the bytes that decoding, changing and encoding gives', () => {
  fc.assert(
    fc.property(
      anyTaskMessage(),
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ unit: 'grapheme', maxLength: 300 }),
      (message, payload, uniqueKey) => {
        const replaced = replacePayload(encodeTaskMessage(message), payload, uniqueKey);
        const wanted = encodeTaskMessage({ ...message, payload, uniqueKey });
        assert.equal(toHex(replaced), toHex(wanted));
      },
    ),
  );
});

test('fields that are unknown here survive another payload', () => {
  const unknown = ['80010a', '8a0103616263', 'a1010102030405060708'];
  for (const field of unknown) {
    const raw = fromHex(`0a0161${field}1201aa${field}`);
    assert.equal(toHex(replacePayload(raw, fromHex('bbcc'), '')), `0a01611202bbcc${field}${field}`);
  }
});

test('a failed attempt changes error text, count and instant, and nothing else', () => {
  const change = { errorMsg: 'boom', retried: 1, stamp: 'lastFailedAt' } as const;
  const bytes = stampTaskMessage(rewriteTaskMessage(fromHex(plainTask.hex), change), NOW);
  assert.deepEqual(decodeTaskMessage(bytes), {
    ...plainTask.value,
    errorMsg: 'boom',
    retried: 1,
    lastFailedAt: NOW,
  });
});

test('the script has to write one tag and one varint between head and tail', () => {
  const { head, tail, field } = rewriteTaskMessage(fromHex(fullTask.hex), { stamp: 'completedAt' });
  const seconds = 'e4e2cfaa06'; // 1700000100
  assert.equal(field, 'completedAt');
  assert.equal(`${toHex(head)}68${seconds}${toHex(tail)}`, fullTask.hex);
});

test('an empty error text and a count of 0 remove their fields', () => {
  const change = { errorMsg: '', retried: 0, stamp: 'lastFailedAt' } as const;
  const hex = toHex(stampTaskMessage(rewriteTaskMessage(fromHex(fullTask.hex), change), NOW));
  assert.equal(hex, fullTask.hex.replace('30023a04626f6f6d', ''));
});

test('unknown fields survive byte for byte, wherever they stand', () => {
  const unknown = [
    '80010a',
    '8a0103616263',
    'a1010102030405060708',
    'ad0101020304',
    '9b0108019c01',
  ];
  const known = '0a0161';
  for (const first of unknown) {
    for (const last of unknown) {
      const raw = fromHex(first + known + last);
      const { head, tail } = rewriteTaskMessage(raw, { errorMsg: 'x', stamp: 'lastFailedAt' });
      const rest = toHex(head) + toHex(tail);
      assert.equal(rest.replace('3a0178', ''), first + known + last);
    }
  }
});

test('an unknown field under a known number, of another wire type, survives as well', () => {
  const raw = '380730' + '07' + '5d01020304'; // field 7 as a varint, retried, field 11 as fixed32
  const { head, tail } = rewriteTaskMessage(fromHex(raw), { errorMsg: '', stamp: 'lastFailedAt' });
  assert.equal(toHex(head) + toHex(tail), raw);
});

test('int64 values beyond 2^53 survive byte for byte', () => {
  const huge = '40ffffffffffffffff7f48feffffffffffffff7f60ffffffffffffffffff01';
  const bytes = stampTaskMessage(
    rewriteTaskMessage(fromHex(huge), { retried: 3, stamp: 'completedAt' }),
    NOW,
  );
  assert.equal(toHex(bytes), `3003${huge}6880e2cfaa06`);
});

test('of a replaced field that stands several times none is left', () => {
  const raw = fromHex('3a0161580158023a0162');
  const bytes = stampTaskMessage(
    rewriteTaskMessage(raw, { errorMsg: 'c', stamp: 'lastFailedAt' }),
    3,
  );
  assert.equal(toHex(bytes), '3a01635803');
});

test('an error text with a lone surrogate is stored, with the replacement character in its place', () => {
  const change = { errorMsg: 'a\uD800b', stamp: 'lastFailedAt' } as const;
  const bytes = stampTaskMessage(rewriteTaskMessage(new Uint8Array(0), change), NOW);
  assert.equal(decodeTaskMessage(bytes).errorMsg, 'a\uFFFDb');
});

test('a message without a stamp is head and tail', () => {
  const bytes = stampTaskMessage({ head: fromHex('0a'), tail: fromHex('00'), field: 'none' }, NOW);
  assert.equal(toHex(bytes), '0a00');
});

test('bytes that are no message are refused', () => {
  assert.throws(() => rewriteTaskMessage(fromHex('0a05616263'), { stamp: 'completedAt' }), {
    code: 'ERR_UNDECODABLE_MESSAGE',
  });
});

test('whatever the bytes are, rewriting refuses them or keeps all that is not replaced', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), anyChange(), (raw, change) => {
      try {
        const { head, tail } = rewriteTaskMessage(raw, { ...change, errorMsg: '', retried: 0 });
        assert.ok(head.length + tail.length <= raw.length);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'ERR_UNDECODABLE_MESSAGE', String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test('a retry count below 0, as a foreign message may hold, is left out and not written as broken bytes', () => {
  const raw = encodeTaskMessage({ ...emptyTaskMessage(), type: 't', retried: -5 });
  const change = { errorMsg: 'boom', retried: -4, stamp: 'lastFailedAt' } as const;
  const { type, retried, errorMsg } = decodeTaskMessage(
    stampTaskMessage(rewriteTaskMessage(raw, change), NOW),
  );
  assert.deepEqual([type, retried, errorMsg], ['t', 0, 'boom']);
});
