import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodeRecords,
  encodeEnd,
  encodeLog,
  encodePlace,
  encodeStart,
} from '../../src/wire/task-records.ts';

const NOTHING = { attempts: [], logs: [] };

test('an attempt is read as it was written', () => {
  const place = encodePlace({ server: 'host:1:uuid', thread: 3 });
  const failed = `1700000000500 500 ${place} ${encodeEnd('retry', 'bo\nom "x" \u2028 🦊')}`;
  const done = `1700000002000 0 ${encodePlace({ server: 'host:1:uuid' })} ${encodeEnd('ok', undefined)}`;
  assert.deepEqual(decodeRecords({ attempts: `${failed}\n${done}` }).attempts, [
    {
      startedAt: new Date(1_700_000_000_000),
      endedAt: new Date(1_700_000_000_500),
      durationMs: 500,
      outcome: 'retry',
      error: 'bo\nom "x" \u2028 🦊',
      server: 'host:1:uuid',
      thread: 3,
    },
    {
      startedAt: new Date(1_700_000_002_000),
      endedAt: new Date(1_700_000_002_000),
      durationMs: 0,
      outcome: 'ok',
      server: 'host:1:uuid',
    },
  ]);
});

test('progress, log and run duration are read as they were written', () => {
  const at = new Date(1_700_000_000_000);
  const lines = [
    { at, level: 'info', text: 'one' },
    { at, level: 'error', text: 'two\n\ud800' },
  ];
  const found = decodeRecords({ progress: '{"a":[1]}', log: encodeLog(lines), runMs: '1234' });
  assert.deepEqual(found, {
    attempts: [],
    progress: { a: [1] },
    logs: [lines[0], { ...lines[1], text: 'two\n\ufffd' }],
    runMs: 1_234,
  });
  assert.deepEqual(decodeRecords({}), NOTHING);
});

test('a long error is cut at a whole character', () => {
  for (const unit of ['x', 'é', '語', '🦊']) {
    const end = encodeEnd('retry', unit.repeat(2_000));
    const text = String(JSON.parse(end.slice('retry '.length)));
    assert.ok(Buffer.byteLength(text) <= 1_024 && Buffer.byteLength(text) > 1_000, unit);
    assert.match(text, /^(.)\1+…$/u);
  }
  assert.equal(encodeEnd('retry', 'x'.repeat(1_024)), `retry "${'x'.repeat(1_024)}"`);
});

test('of a log the newest lines are kept that fit into 8 KiB', () => {
  const lines = (count: number, text: string) =>
    Array.from({ length: count }, (_, index) => {
      return { at: new Date(index), level: 'info', text: `${index} ${text}` };
    });
  const short = decodeRecords({ log: encodeLog(lines(30, '')) }).logs;
  assert.deepEqual(
    short.map(({ at }) => at.getTime()),
    Array.from({ length: 30 }, (_, index) => index),
  );
  for (const text of ['語'.repeat(5_000), '\u0001'.repeat(2_000)]) {
    const encoded = encodeLog(lines(30, text));
    assert.ok(Buffer.byteLength(encoded) <= 8_192);
    const kept = decodeRecords({ log: encoded }).logs;
    assert.equal(kept.at(-1)?.at.getTime(), 29);
    assert.ok(kept.length >= 1 && kept.every(({ text: each }) => each.endsWith('…')));
  }
});

test('a beginning is noted in whole milliseconds, and a host without spaces', () => {
  assert.equal(encodeStart({ agoMs: 12.6, server: 'my host:1:u', thread: 2 }), '13 2 my_host:1:u');
  assert.equal(encodeStart({ agoMs: -1, server: 'h:1:u' }), '0 - h:1:u');
});

test('what somebody else wrote into the fields is left out, whatever it is', () => {
  const good = '1700000000000 1 - h:1:u ok';
  const found = decodeRecords({
    attempts: `junk\n${good}\n-1 1 - h:1:u ok\n${good} "unfinished\n1 1 1 h ok "\\x"`,
    progress: '{',
    log: '[1,[1],["a","b","c"],[1e300,"info","x"],[1,"info","x"]]',
    runMs: '-4',
  });
  assert.equal(found.attempts.length, 2);
  assert.deepEqual(found.attempts[1]?.error, undefined);
  assert.deepEqual([found.progress, found.runMs], [undefined, undefined]);
  assert.deepEqual(found.logs, [{ at: new Date(1), level: 'info', text: 'x' }]);
  const anything = fc.string({ unit: 'binary' });
  const fields = fc.record({
    attempts: anything,
    progress: anything,
    log: anything,
    runMs: anything,
  });
  fc.assert(fc.property(fields, (stored) => void decodeRecords(stored)));
  fc.assert(fc.property(fc.json(), (log) => void decodeRecords({ log, progress: log })));
});

test('a history of more than ten lines is read from its end', () => {
  const lines = Array.from({ length: 12 }, (_, index) => `${index} 0 - h:1:u ok`);
  const { attempts } = decodeRecords({ attempts: lines.join('\n') });
  assert.deepEqual([attempts.length, attempts[0]?.endedAt.getTime()], [10, 2]);
});
