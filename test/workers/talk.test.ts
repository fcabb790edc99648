import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fixture } from '../helpers/paths.ts';
import { type Heard, startThread } from '../helpers/worker-harness.ts';

const talk = fixture('threads/talk.js');
const thread = await startThread({ tasksPerThread: 2 });

test('a handler logs like pino: messages, fields, errors', async () => {
  const run = thread.hand(talk, { type: 'log' });
  await run.outcome;
  const [plain, withFields, alone] = thread.lines(run.run);
  assert.deepEqual(plain, { run: run.run, level: 'info', source: 'log', message: 'plain' });
  const fields = JSON.parse(withFields?.fields ?? '') as { rows: number; err: { type: string } };
  assert.deepEqual([withFields?.level, withFields?.message], ['warn', 'with fields']);
  assert.deepEqual([fields.rows, fields.err.type], [3, 'TypeError']);
  assert.deepEqual([alone?.level, alone?.message], ['error', 'alone']);
  assert.match(alone?.fields ?? '', /"err":\{"type":"RangeError"/);
  assert.deepEqual(thread.order(run.run).slice(0, 2), ['begun', 'log']);
  assert.equal(thread.order(run.run).at(-1), 'outcome');
});

test('log fields may be circular, throw, or be huge: a line stays under 8 KB', async () => {
  const run = thread.hand(talk, { type: 'fields' });
  assert.equal((await run.outcome).kind, 'returned');
  const [odd, long, huge] = thread.lines(run.run);
  assert.deepEqual(JSON.parse(odd?.fields ?? ''), {
    circular: {
      name: 'loop',
      big: '10',
      when: '1970-01-01T00:00:00.000Z',
      bytes: '[9 bytes]',
      self: '[circular]',
    },
    angry: { value: '[getter failed]', nested: '[toJSON failed]' },
  });
  const { list } = JSON.parse(long?.fields ?? '') as { list: unknown[] };
  assert.deepEqual([list.length, list.at(-1)], [101, '… 99900 more']);
  JSON.parse(huge?.fields ?? '');
  assert.ok((huge?.message.length ?? 0) + (huge?.fields?.length ?? 0) <= 8_192);
});

test('what two tasks of one thread print is kept apart', async () => {
  const runs = ['ann', 'bob'].map((payload) => thread.hand(talk, { type: 'print', payload }));
  await Promise.all(runs.map((run) => run.outcome));
  for (const [index, name] of ['ann', 'bob'].entries()) {
    const lines = thread.lines(runs[index]?.run ?? 0);
    const texts = lines.map((line) => `${line.level} ${line.message}`);
    assert.deepEqual(texts.slice(0, 4), [
      `info ${name} says 0`,
      `info ${name} says 1`,
      `info ${name} says 2`,
      `error error of { name: '${name}' }`,
    ]);
    assert.match(texts[4] ?? '', /^info ┌/);
    assert.deepEqual(texts.slice(-3), ['warn whole', `info half ${name}`, 'warn rest']);
    assert.ok(lines.every((line) => line.source === 'console'));
  }
});

test('a tight loop of 100,000 lines sends at most 200 and says once how many are missing', async () => {
  const own = await startThread();
  const run = own.hand(talk, { type: 'logLoop' });
  const outcome = await run.outcome;
  const lines = own.lines(run.run);
  const last = lines.at(-1);
  const seconds = Math.ceil(outcome.runMs / 1_000);
  assert.ok(lines.length - 1 <= 200 * seconds, `${lines.length} lines in ${outcome.runMs} ms`);
  assert.equal(last?.level, 'warn');
  const dropped = Number(
    /^(\d+) lines dropped: over 200 lines a second or 64 KB a task$/.exec(last?.message ?? '')?.[1],
  );
  assert.equal(dropped + lines.length - 1, 100_000);
});

test('a task sends at most 64 KB of log lines', async () => {
  const own = await startThread();
  const run = own.hand(talk, { type: 'logLarge' });
  await run.outcome;
  const lines = own.lines(run.run);
  assert.equal(lines.length, 17);
  assert.match(lines.at(-1)?.message ?? '', /^24 lines dropped/);
});

test('a line goes out at once while its handler goes on computing', async () => {
  const own = await startThread();
  const run = own.hand(talk, { type: 'logThenSpin' });
  await own.untilFound((m): m is Heard => m.kind === 'log');
  assert.deepEqual(own.order(run.run), ['begun', 'log']);
  own.stop(run.run, 'canceled');
  await run.outcome;
});

test('a loop that never yields is flushed', async () => {
  const own = await startThread();
  const run = own.hand(talk, { type: 'logForever' });
  await own.untilFound((m): m is Heard => own.lines(run.run).length >= 150 && m.kind === 'log');
  own.stop(run.run, 'canceled');
  assert.equal((await run.outcome).kind, 'threw');
});

test('progress keeps the last value and goes out at most ten times a second', async () => {
  const run = thread.hand(talk, { type: 'progressLoop' });
  const outcome = await run.outcome;
  assert.ok(outcome.kind === 'returned' && outcome.result);
  const count = Number(new TextDecoder().decode(outcome.result));
  const values = thread.progress(run.run);
  assert.ok(values.length >= 3 && values.length <= outcome.runMs / 100 + 2, `${values.length}`);
  assert.deepEqual(values.at(-1), { count });
  assert.equal(thread.order(run.run).at(-1), 'outcome');
});

test('the last progress of code that waits goes out by itself', async () => {
  const run = thread.hand(talk, { type: 'progressWait' });
  await thread.untilFound((m): m is Heard => m.kind === 'progress' && m.value === 2);
  assert.deepEqual(thread.progress(run.run), [1, 2]);
  thread.stop(run.run, 'canceled');
  await run.outcome;
});

test('progress that JSON cannot hold, or over 16 KiB, throws in the handler', async () => {
  const outcome = await thread.run(talk, { type: 'progressBad' });
  assert.ok(outcome.kind === 'returned' && outcome.result);
  const codes = JSON.parse(new TextDecoder().decode(outcome.result)) as unknown;
  assert.deepEqual(codes, [...Array(4).fill('ERR_NOT_SERIALIZABLE'), 'ERR_PAYLOAD_TOO_LARGE']);
});

test('lines after the end of a run belong to no run, and progress after it goes nowhere', async () => {
  const run = thread.hand(talk, { type: 'afterwards' });
  await run.outcome;
  await thread.untilFound((m): m is Heard => thread.lines(0).length > 0 && m.kind === 'log');
  assert.deepEqual(
    thread.lines(0).map((line) => line.message),
    ['too late'],
  );
  assert.deepEqual(thread.progress(run.run), []);
});

test('lines below the level are not sent', async () => {
  const own = await startThread({ logLevel: 'error' });
  const run = own.hand(talk, { type: 'log' });
  await run.outcome;
  assert.deepEqual(
    own.lines(run.run).map((line) => line.level),
    ['error'],
  );
});
