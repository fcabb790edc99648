import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import stringWidth from 'string-width';
import { PANELS, type WatchModel, withTrouble } from '../../../src/cli/watch/model.ts';
import { renderText, share, type Size } from '../../../src/cli/watch/render.ts';
import { failure, model, NOW, queue, worker } from './models.ts';

const SIZES: readonly Size[] = [
  { columns: 80, rows: 24 },
  { columns: 40, rows: 10 },
  { columns: 200, rows: 60 },
];

/** What could harm a terminal, or take another width than it seems to. */
const NASTY = [
  '\x1b[2J\x1b]0;title\x07',
  'a\r\nb\tc\0',
  '\u009b31m',
  '日本語のタスク名がとても長い',
  'e\u0301\u0327'.repeat(40),
  '👩‍👩‍👧‍👦🇩🇪',
  '\u202egnol',
  '\ud800 half',
  'x'.repeat(500),
  '',
];

function check(shown: WatchModel, { columns, rows }: Size): void {
  const lines = renderText(shown, { columns, rows }, NOW);
  assert.equal(lines.length, rows);
  for (const line of lines) {
    assert.ok(stringWidth(line) <= columns, `${stringWidth(line)} columns: ${line}`);
    assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
  }
}

for (const size of SIZES) {
  test(`a picture of ${size.columns}x${size.rows} holds nothing that breaks out of it, whatever tasks are called`, () => {
    const nasty = model({
      queues: NASTY.map((text) => queue(text)),
      workers: NASTY.map((text) => worker(text, { type: text, queue: text, server: text })),
      failures: NASTY.map((text) => failure(text, { type: text, queue: text, error: text })),
    });
    for (const panel of PANELS) {
      check({ ...nasty, panel }, size);
      check({ ...withTrouble(nasty, NASTY.join(' '), NOW), panel, isHelpShown: true }, size);
    }
    const action = { kind: 'cancel', queue: 'q', taskId: NASTY.join(''), type: NASTY.join('') };
    check({ ...nasty, question: { ...action, kind: 'cancel' } }, size);
    check({ ...nasty, notice: { text: NASTY.join(''), isError: true } }, size);
  });
}

test('no text and no size makes a line too wide or a line too many', () => {
  const text = fc.string({ unit: 'binary', maxLength: 60 });
  const sizes = fc.record({
    columns: fc.integer({ min: 1, max: 220 }),
    rows: fc.integer({ min: 1, max: 60 }),
  });
  fc.assert(
    fc.property(sizes, fc.array(text, { maxLength: 12 }), (size, texts) => {
      const shown = model({
        queues: texts.map((each) => queue(each)),
        failures: texts.map((each) => failure(each, { error: each })),
      });
      check(shown, size);
    }),
    { numRuns: 60 },
  );
});

test('at 80x24 queues, rates, running tasks and failures are all to be seen', () => {
  const shown = renderText(model(), { columns: 80, rows: 24 }, NOW);
  assert.deepEqual(
    shown.slice(0, 10).map((line) => line.trimEnd()),
    [
      'threadmill  2468 pending  24.7/s  0 failed/s  2/8 busy  2 servers  red… 03:04:05',
      '▸ QUEUE          STATE    PENDING ACTIVE SCHED RETRY  ARCH DONE/S FAIL/S LATENCY',
      '> critical       running     1234      2     3     4     5   12.3      0      1s',
      '  low            paused      1234      2     3     4     5   12.3      0      1s',
      '  RUNNING           QUEUE        TASK         SERVER                FOR    LEFT',
      '  image:resize      critical     w1           host:1              1m05s       -',
      '  image:resize      critical     w2           host:1              1m05s       -',
      '   FAILED TYPE             QUEUE      TASK     STATE       ERROR',
      '       5s mail:send        low        f1       retry 1/25  boom',
      '       5s mail:send        low        f2       archived    boom',
    ],
  );
  assert.equal(shown.at(-1)?.trimEnd(), 'q quit  ? help  p pause  tab list  ↑↓ row');
});

test('a small terminal shows the list that has the keys', () => {
  const shown = renderText({ ...model(), panel: 'failures' }, { columns: 40, rows: 10 }, NOW);
  assert.match(shown[1] ?? '', /^▸  FAILED TYPE/);
  assert.match(shown[2] ?? '', /^> {6}5s mail:send/);
  assert.equal(shown.filter((line) => line.includes('QUEUE')).length, 0);
});

test('a long list is shown where the chosen row is', () => {
  const queues = Array.from({ length: 100 }, (_, i) => queue(`queue-${i}`));
  const shown = renderText(
    { ...model({ queues }), chosen: { queues: 'queue-70' } },
    { columns: 80, rows: 24 },
    NOW,
  );
  assert.ok(shown.some((line) => line.startsWith('> queue-70 ')));
  assert.equal(shown.filter((line) => line.startsWith('  queue-')).length > 5, true);
});

test('while Redis is away a banner says since when, and the last figures stay', () => {
  const away = withTrouble(model(), 'connection refused', new Date(NOW.getTime() - 61_000));
  const shown = renderText(away, { columns: 80, rows: 24 }, NOW);
  assert.match(shown[1] ?? '', /^ No answer from Redis for 1m01s: connection refused/);
  assert.ok(shown.some((line) => line.includes('image:resize')));
});

test('lists share the rows: what one does not need, the others get', () => {
  assert.deepEqual(share(10, [2, 20, 20]), [2, 4, 4]);
  assert.deepEqual(share(10, [1, 1, 1]), [1, 1, 1]);
  assert.deepEqual(share(2, [5, 5, 5]), [1, 1, 0]);
  assert.deepEqual(share(-3, [5]), [0]);
});
