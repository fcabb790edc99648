import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ageSince,
  checkFilter,
  compileFilter,
  type FilterFacts,
  type TaskFilter,
} from '../../src/policy/task-filter.ts';
import { emptyTaskMessage, type TaskMessage } from '../../src/wire/task-message.ts';

function message(fields: Partial<TaskMessage> = {}): TaskMessage {
  return { ...emptyTaskMessage(), type: 'image:resize', ...fields };
}

function passes(filter: TaskFilter, facts: Partial<FilterFacts> = {}): boolean | undefined {
  const whole = { message: message(), since: undefined, now: 10_000, ...facts };
  return compileFilter(filter)?.(whole);
}

const withPayload = (value: unknown): Partial<FilterFacts> => ({
  message: message({ payload: Buffer.from(JSON.stringify(value)) }),
});

test('a type is met exactly, or by its beginning', () => {
  assert.equal(passes({ type: 'image:resize' }), true);
  assert.equal(passes({ type: 'image' }), false);
  assert.equal(passes({ type: 'image:*' }), true);
  assert.equal(passes({ type: 'video:*' }), false);
  assert.equal(passes({ type: '*' }), true);
});

test('an error is met by text that it contains', () => {
  const facts = { message: message({ errorMsg: 'read ECONNRESET at 10.0.0.1' }) };
  assert.equal(passes({ error: 'ECONNRESET' }, facts), true);
  assert.equal(passes({ error: 'econnreset' }, facts), false);
});

test('a field of the payload is met by path and value', () => {
  const facts = withPayload({ user: { id: 7, tags: ['a', { b: null }] }, text: 'x' });
  const met = (path: string, equals: unknown): boolean | undefined =>
    passes({ payload: { path, equals } }, facts);
  assert.equal(met('user.id', 7), true);
  assert.equal(met('user.id', '7'), false);
  assert.equal(met('user.tags.1', { b: null }), true);
  assert.equal(met('user.tags.1.b', null), true);
  assert.equal(met('text.length', 1), false);
  assert.equal(met('user.constructor', Object), false);
  assert.equal(met('nothing', 7), false);
  const notJson = { message: message({ payload: new Uint8Array([255]) }) };
  assert.equal(passes({ payload: { path: 'a', equals: 1 } }, notJson), false);
});

test('an age that nobody knows is none', () => {
  assert.equal(passes({ olderThanMs: 4000 }, { since: 6000 }), true);
  assert.equal(passes({ olderThanMs: 4000 }, { since: 6001 }), false);
  assert.equal(passes({ olderThanMs: 0 }), false);
});

test('all conditions must hold, and without any there is no filter', () => {
  assert.equal(passes({ type: 'image:resize', error: 'x' }), false);
  assert.equal(compileFilter({}), undefined);
  assert.equal(compileFilter(undefined), undefined);
});

test('what a task’s age counts from depends on its state', () => {
  const facts = {
    message: message({ lastFailedAt: 3, completedAt: 4 }),
    score: 5,
    pendingSince: 6,
  };
  assert.equal(ageSince('pending', facts), 6);
  assert.equal(ageSince('retry', facts), 3000);
  assert.equal(ageSince('completed', facts), 4000);
  for (const state of ['scheduled', 'archived', 'aggregating'] as const) {
    assert.equal(ageSince(state, facts), 5000);
  }
  assert.equal(ageSince('active', facts), undefined);
  assert.equal(ageSince('retry', { ...facts, message: message() }), undefined);
});

test('all that is wrong with a filter is said at once', () => {
  const wrong = {
    type: '',
    error: 7,
    payload: { equals: 1 },
    olderThanMs: '1h',
    typo: 1,
  } as unknown as TaskFilter;
  const names = checkFilter(wrong).map(({ name }) => name);
  assert.deepEqual(names.sort(), [
    'filter.error',
    'filter.olderThanMs',
    'filter.payload',
    'filter.type',
    'filter.typo',
  ]);
  assert.deepEqual(checkFilter({ type: 'a', olderThanMs: 0 }), []);
});

test('a condition without a value, or with a number that is rounded, is refused', () => {
  const wrong: readonly unknown[] = [
    { type: undefined },
    { payload: { path: 'user.id' } },
    { payload: { path: 'user.id', equals: undefined } },
    { payload: { path: 'user.id', equals: 2 ** 53 } },
  ];
  for (const filter of wrong) assert.equal(checkFilter(filter as TaskFilter).length, 1);
  assert.deepEqual(checkFilter({ payload: { path: 'a', equals: Number.MAX_SAFE_INTEGER } }), []);
  assert.deepEqual(checkFilter({ payload: { path: 'a', equals: null } }), []);
});
