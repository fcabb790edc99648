import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonLine } from '../../src/cli/output/json.ts';
import { tableText } from '../../src/cli/output/table.ts';
import {
  byteText,
  bytesText,
  durationText,
  oneLine,
  relativeText,
  shareText,
} from '../../src/cli/output/text.ts';

test('durations, ages, bytes and shares are rounded for people', () => {
  const durations = [0, 999, 1000, 4_290, 59_999, 60_000, 3_661_000, 90_000_000];
  assert.deepEqual(durations.map(durationText), [
    '0ms',
    '999ms',
    '1s',
    '4.2s',
    '59s',
    '1m',
    '1h 1m',
    '1d 1h',
  ]);
  assert.deepEqual(
    [500, -500, 65_000, -3_600_000].map((ms) => relativeText(new Date(1e12 + ms), 1e12)),
    ['now', 'now', 'in 1m 5s', '1h ago'],
  );
  assert.deepEqual([0, 1023, 1536, 1_048_576, 5e12].map(byteText), [
    '0 B',
    '1023 B',
    '1.5 KiB',
    '1.0 MiB',
    '4.5 TiB',
  ]);
  assert.deepEqual([shareText(0, 0), shareText(1, 3), shareText(1, 1)], ['0%', '33.33%', '100%']);
});

test('payloads are shown only where they are printable, as in the tools of asynq', () => {
  const shown = ['{"a":"ü"}', ' ', 'a\nb', 'a\u202eb', '\ud83d\ude00'].map((text) =>
    bytesText(Buffer.from(text)),
  );
  const hidden = 'non-printable bytes';
  assert.deepEqual(shown, ['{"a":"ü"}', hidden, hidden, hidden, '😀']);
  assert.deepEqual([bytesText(Buffer.from([255])), bytesText(undefined)], [hidden, '']);
});

test('nothing that comes from Redis reaches the terminal as a command', () => {
  assert.equal(oneLine('a\u001b[31mb\r\n\u009bc'), 'a\\u{1b}[31mb\\r\\n\\u{9b}c');
});

test('a table is cut where the terminal is narrow, in its flexible columns only', () => {
  const columns = [{ head: 'id' }, { head: 'text', isFlexible: true }] as const;
  const rows = [['12345678', 'a very long text indeed']];
  assert.deepEqual(tableText(columns, rows, undefined).split('\n'), [
    'ID        TEXT',
    '12345678  a very long text indeed',
  ]);
  assert.deepEqual(tableText(columns, rows, 20).split('\n'), [
    'ID        TEXT',
    '12345678  a very lo…',
  ]);
});

test('bytes in JSON are text, or base64 under another name; Infinity is text', () => {
  const value = { payload: Buffer.from('a'), result: new Uint8Array([255]), maxRetry: Infinity };
  assert.equal(jsonLine(value), '{"payload":"a","resultBase64":"/w==","maxRetry":"Infinity"}');
  assert.equal(jsonLine({ error: new Error('no') }), '{"error":{"message":"no"}}');
});
