import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import type { OptionIssue } from '../../src/errors.ts';
import { defineTask } from '../../src/handler.ts';
import { type CheckedEntry, checkEntries } from '../../src/policy/schedule-entry.ts';
import { checkSchedule } from '../../src/policy/schedule-options.ts';

const context = { timeZone: 'UTC', maxPayloadSize: 1000 };

function check(...list: unknown[]): { entries: CheckedEntry[]; issues: OptionIssue[] } {
  const issues: OptionIssue[] = [];
  return { entries: checkEntries(list, 'entries', context, issues), issues };
}

function only(entry: unknown): CheckedEntry {
  const { entries, issues } = check(entry);
  assert.deepEqual(issues, []);
  const [first] = entries;
  assert.ok(first);
  return first;
}

const plain = { spec: '@hourly', task: { type: 'report', payload: { a: 1 } } };

test('an entry keeps its ID over restarts, in the form of a UUID', () => {
  const uuid = /^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;
  assert.match(only(plain).id, uuid);
  assert.equal(only({ ...plain }).id, only(plain).id);
  assert.equal(only({ ...plain, name: 'a' }).id, '6d85f559-b4fb-82cc-867b-4d5c7ea5103d');
});

test('without a name whatever is different makes another entry', () => {
  const others = [
    { ...plain, spec: '@daily' },
    { ...plain, timeZone: 'Europe/Berlin' },
    { ...plain, task: { type: 'other', payload: { a: 1 } } },
    { ...plain, task: { type: 'report', payload: { a: 2 } } },
    { ...plain, task: { ...plain.task, headers: { trace: 'x' } } },
    { ...plain, options: { queue: 'low' } },
    { ...plain, name: 'n' },
  ];
  const ids = [plain, ...others].map((entry) => only(entry).id);
  assert.equal(new Set(ids).size, ids.length);
});

test('with a name only that and the task type do', () => {
  const named = only({ ...plain, name: 'n' }).id;
  assert.equal(only({ name: 'n', spec: '@daily', task: { type: 'report' } }).id, named);
  assert.notEqual(only({ name: 'n', spec: '@daily', task: { type: 'other' } }).id, named);
});

test('options are shown as asynq reads them, each with a bracket', () => {
  const words = defineTask({ type: 'words', payload: z.string(), timeout: '90s', retries: 2 });
  const { optionStrings } = only({
    spec: '@hourly',
    task: words('x', { k: 'v"' }),
    options: {
      queue: 'low"é',
      maxRetry: Number.POSITIVE_INFINITY,
      deadline: new Date('2026-04-03T05:06:07Z'),
      retention: '24h',
      uniqueFor: 3_600_000,
      processIn: 1500,
    },
  });
  assert.deepEqual(optionStrings, [
    'Queue("low\\"é")',
    'MaxRetry(2147483647)',
    'Timeout(1m30s)',
    'Deadline(Fri Apr  3 05:06:07 UTC 2026)',
    'Unique(1h0m0s)',
    'ProcessIn(2s)',
    'Retention(24h0m0s)',
    'Header(["k","v\\""])',
  ]);
});

test('a zone that is not in the spec is shown in it, as tools do not know it', () => {
  assert.equal(only({ ...plain, timeZone: 'Europe/Berlin' }).spec, 'CRON_TZ=Europe/Berlin @hourly');
  assert.equal(
    only({ ...plain, spec: 'TZ=Asia/Tokyo @daily', timeZone: 'Europe/Berlin' }).spec,
    'TZ=Asia/Tokyo @daily',
  );
  assert.equal(only({ ...plain, spec: '@every 1m', timeZone: 'Europe/Berlin' }).spec, '@every 1m');
});

test('every problem of every entry is named, with its value', () => {
  const { entries, issues } = check(
    plain,
    { spec: '61 * * * *', task: { type: '' }, options: { queue: 'a{b', maxRetry: -1 } },
    { spec: '0 0 30 2 *', task: { type: 't' }, timeZone: 'Mars', startAt: 'soon', endAt: -1 },
    { spec: '@hourly', task: { type: 't' }, jitter: '25h', missed: 'twice', name: ' ', every: 1 },
    { spec: '@hourly', task: { type: 't' }, missed: { all: 0 }, options: { taskId: 'x' } },
    { spec: 7, task: undefined },
    { spec: '0 0 30 2 *', task: { type: 't', payload: 'x'.repeat(2000) } },
    'x',
  );
  assert.equal(entries.length, 1);
  assert.deepEqual(
    issues.map(({ name }) => name),
    [
      'entries[1].spec',
      'entries[1].options.queue',
      'entries[1].task.type',
      'entries[1].options.maxRetry',
      'entries[2].startAt',
      'entries[2].endAt',
      'entries[2].timeZone',
      'entries[3].every',
      'entries[3].name',
      'entries[3].jitter',
      'entries[3].missed',
      'entries[4].options.taskId',
      'entries[4].missed',
      'entries[5].spec',
      'entries[5].task',
      'entries[6].spec',
      'entries[6].task',
      'entries[7]',
    ],
  );
  assert.match(String(issues[0]?.value), /^61 \* \* \* \*$/);
});

test('two equal entries are told apart by a name only', () => {
  const { issues } = check(plain, plain);
  assert.deepEqual(
    issues.map(({ name, accepts }) => `${name}: ${accepts}`),
    ['entries[1]: an entry that differs from entries[0], by a name'],
  );
  assert.deepEqual(check(plain, { ...plain, name: 'again' }).issues, []);
});

test('a schedule is a list or an object of options', () => {
  const read = (given: unknown): [string[], number | undefined] => {
    const issues: OptionIssue[] = [];
    const schedule = checkSchedule(given, (path) => `schedule.${path}`, 1000, issues);
    return [issues.map(({ name }) => name), schedule?.entries.length];
  };
  assert.deepEqual(read([plain]), [[], 1]);
  assert.deepEqual(read({ entries: [plain], provider: () => [], providerInterval: '1m' }), [[], 1]);
  assert.deepEqual(read({}), [[], 0]);
  assert.deepEqual(read('x'), [['schedule.'], undefined]);
  assert.deepEqual(
    read({ entries: {}, provider: 1, providerInterval: 1, timeZone: 'x', entires: [] }),
    [
      [
        'schedule.entires',
        'schedule.timeZone',
        'schedule.entries',
        'schedule.providerInterval',
        'schedule.provider',
      ],
      undefined,
    ],
  );
});
