import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineTask } from '../../src/handler.ts';
import type { EnqueueOptions } from '../../src/task.ts';
import { emptyTaskMessage } from '../../src/wire/task-message.ts';
import { issuesOf, prepare } from './prepare.ts';

test('a task without options gets the defaults of the protocol', () => {
  const wanted = {
    ...emptyTaskMessage(),
    type: 't',
    id: 'new-id',
    queue: 'default',
    retry: 25,
    timeout: 1800,
  };
  assert.deepEqual(prepare({ type: 't' }), { taskId: 'new-id', queue: 'default', message: wanted });
  assert.deepEqual(prepare({ type: 't' }, undefined).message, wanted);
});

test('every option reaches the message, in whole seconds rounded up', () => {
  const { message, taskId, queue, when } = prepare(
    { type: 't', payload: { a: 1 }, headers: { trace: 'x' } },
    {
      queue: 'low',
      maxRetry: 3,
      timeout: '1.5s',
      deadline: new Date(1_700_000_000_001),
      processIn: '500ms',
      taskId: 'id-1',
      retention: 1,
    },
  );
  assert.deepEqual(message, {
    ...emptyTaskMessage(),
    type: 't',
    payload: new TextEncoder().encode('{"a":1}'),
    headers: { trace: 'x' },
    queue: 'low',
    id: 'id-1',
    retry: 3,
    timeout: 2,
    deadline: 1_700_000_001,
    retention: 1,
  });
  assert.deepEqual([taskId, queue, when], ['id-1', 'low', { in: 500 }]);
});

test('a unique task carries its lock, whose key tells no payload from an empty one', () => {
  const lockOf = (payload?: unknown, seconds: number | string = '1m') => {
    const options = { uniqueFor: seconds, queue: 'low' };
    const { message, unique } = prepare({ type: 't', payload }, options);
    assert.equal(message.uniqueKey, unique?.key);
    return [unique?.key.slice('asynq:{low}:unique:t:'.length), unique?.seconds];
  };
  assert.deepEqual(lockOf({ user_id: 42 }), ['1181f89307fa271072c095747d5813cc', 60]);
  assert.deepEqual(lockOf(undefined), ['', 60]);
  const empty = ['d41d8cd98f00b204e9800998ecf8427e', 60];
  assert.deepEqual(lockOf(new Uint8Array(0)), empty);
  assert.deepEqual(lockOf(''), empty);
  assert.notDeepEqual(lockOf(null), empty);
  assert.deepEqual(lockOf(undefined, 1_001), ['', 2]);
  assert.deepEqual(prepare({ type: 't' }).message.uniqueKey, '');
});

test('a group stands in the message, and is refused beside a delay', () => {
  const { message, group } = prepare({ type: 't' }, { group: 'mail:daily' });
  assert.deepEqual([message.groupKey, group], ['mail:daily', 'mail:daily']);
  assert.equal(prepare({ type: 't' }, { group: 'g', processIn: 0 }).group, 'g');
  assert.deepEqual(issuesOf({ type: 't' }, { group: 'g', processIn: 5 }), ['group']);
  assert.deepEqual(issuesOf({ type: 't' }, { group: 'g', processAt: 5000 }), ['group']);
});

test('headers of the call go over those of the task', () => {
  const task = { type: 't', headers: { a: '1', b: '1' } };
  const { message } = prepare(task, { headers: { b: '2', c: '2' } });
  assert.deepEqual(message.headers, { a: '1', b: '2', c: '2' });
  assert.deepEqual(issuesOf(task, { headers: { b: 2 } }), ['headers.b']);
});

test('an ID makes room only where it is asked to', () => {
  assert.equal(prepare({ type: 't' }, { replaceArchived: true }).replaceArchived, true);
  assert.equal(prepare({ type: 't' }, { replaceArchived: false }).replaceArchived, undefined);
});

test('30 minutes stand in for a timeout only where no deadline is given', () => {
  const boundsOf = (options: EnqueueOptions): [number, number] => {
    const { timeout, deadline } = prepare({ type: 't' }, options).message;
    return [timeout, deadline];
  };
  assert.deepEqual(boundsOf({ deadline: 5000 }), [0, 5]);
  assert.deepEqual(boundsOf({ timeout: 0, deadline: 5000 }), [0, 5]);
  assert.deepEqual(boundsOf({ timeout: 1, deadline: 5000 }), [1, 5]);
  assert.deepEqual(boundsOf({ timeout: 0 }), [1800, 0]);
});

test('Infinity retries for ever', () => {
  assert.equal(
    prepare({ type: 't' }, { maxRetry: Number.POSITIVE_INFINITY }).message.retry,
    2_147_483_647,
  );
  assert.equal(prepare({ type: 't' }, { maxRetry: 0 }).message.retry, 0);
});

test('a start is an instant or a delay, and a delay of 0 is none', () => {
  assert.deepEqual(prepare({ type: 't' }, { processAt: 1500 }).when, { at: 1500 });
  assert.deepEqual(prepare({ type: 't' }, { processAt: new Date(1500) }).when, { at: 1500 });
  assert.equal(prepare({ type: 't' }, { processIn: 0 }).when, undefined);
});

test('options of a definition hold unless the call says otherwise', () => {
  const resize = defineTask<{ path: string }>({
    type: 'image:resize',
    queue: 'images',
    timeout: '30s',
    retries: 2,
    retention: '1h',
    uniqueFor: '10m',
    group: 'g',
  });
  const { message, unique } = prepare(resize({ path: 'a' }), { timeout: '5s', queue: undefined });
  assert.deepEqual(
    [message.type, message.queue, message.timeout, message.retry, message.retention],
    ['image:resize', 'images', 5, 2, 3600],
  );
  assert.deepEqual([unique?.seconds, message.groupKey], [600, 'g']);
  assert.equal(prepare(resize({ path: 'a' }), { uniqueFor: '1s' }).unique?.seconds, 1);
});

test('a wrong option of a definition is named as the definition has it', () => {
  assert.deepEqual(issuesOf(defineTask({ type: 't', retries: -1 })(undefined)), ['retries']);
});

const REJECTED: Readonly<Record<keyof EnqueueOptions, readonly unknown[]>> = {
  queue: ['', '  ', 'a{b', 'a}b', 'a\uD800', 5, null],
  maxRetry: [-1, 1.5, Number.NaN, Number.NEGATIVE_INFINITY, 2 ** 31, '3', null],
  timeout: [-1, '5 bananas', '', Number.NaN, Number.POSITIVE_INFINITY, '20000w', {}, null],
  deadline: [
    new Date(Number.NaN),
    0,
    -5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '2030-01-01',
    1e15,
    null,
  ],
  processAt: [new Date(Number.NaN), 0, -5, Number.NaN, '2030-01-01', 1e15, null],
  processIn: [-1, 'soon', Number.NaN, Number.POSITIVE_INFINITY, '20000w', true, null],
  taskId: ['', ' \t', 'a\uDC00', 7, null],
  replaceArchived: ['yes', 1, null],
  retention: [-1, '1 day', Number.NaN, Number.POSITIVE_INFINITY, '20000w', [], null],
  uniqueFor: [0, 999, '999ms', -1, 'an hour', Number.POSITIVE_INFINITY, '20000w', true, null],
  group: ['', ' ', 'a\uD800', 7, null],
  headers: [null, 'x', ['x'], 5],
};

for (const [name, values] of Object.entries(REJECTED)) {
  test(`a wrong ${name} is refused by name`, () => {
    for (const value of values) {
      assert.deepEqual(
        issuesOf({ type: 't' }, { [name]: value }),
        [name],
        `${name}: ${String(value)}`,
      );
    }
  });
}

test('a wrong type is refused', () => {
  for (const type of ['', '  ', 'a\uD800', 5, undefined, null]) {
    assert.deepEqual(issuesOf({ type }), ['type'], String(type));
  }
});

test('wrong headers are refused by name', () => {
  for (const headers of [null, 'x', ['x'], 5]) {
    assert.deepEqual(issuesOf({ type: 't', headers }), ['headers'], String(headers));
  }
  assert.deepEqual(issuesOf({ type: 't', headers: { a: 1, b: 'ok', c: '\uD800' } }), [
    'headers.a',
    'headers.c',
  ]);
  assert.deepEqual(issuesOf({ type: 't', headers: { '\uD800': 'x' } }), ['headers.\uD800']);
});

test('a start cannot be both an instant and a delay', () => {
  assert.deepEqual(issuesOf({ type: 't' }, { processAt: 5000, processIn: 5 }), ['processIn']);
});

test('what is no task or no options is refused', () => {
  assert.deepEqual(issuesOf(undefined), ['task']);
  assert.deepEqual(issuesOf(null), ['task']);
  assert.deepEqual(issuesOf('email:send'), ['task']);
  assert.deepEqual(issuesOf({ type: 't' }, 'low'), ['options']);
  assert.deepEqual(issuesOf({ type: 't' }, null), ['options']);
});

test('an unknown option is refused with the name that was meant', () => {
  assert.throws(
    () => prepare({ type: 't' }, { maxRetries: 3 }),
    /maxRetries is 3.*did you mean maxRetry\?/,
  );
  assert.throws(() => prepare({ type: 't' }, { colour: 'red' }), /colour.*no such option/);
});

test('an option that stands in the task is refused, with the place where it belongs', () => {
  assert.throws(() => prepare({ type: 't', queue: 'low' }), /task\.queue.*second argument/);
  assert.throws(
    () => prepare({ type: 't', playload: 1 }),
    /task\.playload.*did you mean payload\?/,
  );
});

test('all problems are reported at once', () => {
  const options = {
    queue: '{x}',
    maxRetry: -1,
    timeout: 'x',
    deadline: Number.NaN,
    retrys: 1,
    taskId: '',
  };
  assert.deepEqual(issuesOf({ type: '', headers: { a: 1 } }, options).sort(), [
    'deadline',
    'headers.a',
    'maxRetry',
    'queue',
    'retrys',
    'taskId',
    'timeout',
    'type',
  ]);
});

test('a payload over the limit is refused, with both numbers', () => {
  assert.equal(prepare({ type: 't', payload: 'x'.repeat(10) }, {}, 10).message.payload.length, 10);
  assert.throws(() => prepare({ type: 't', payload: 'x'.repeat(11) }, {}, 10), {
    code: 'ERR_PAYLOAD_TOO_LARGE',
    size: 11,
    limit: 10,
  });
});

test('a payload that cannot be serialized is refused', () => {
  assert.throws(() => prepare({ type: 't', payload: 1n }), { code: 'ERR_NOT_SERIALIZABLE' });
});

test("headers are copied, so that the caller's may change", () => {
  const headers = { a: '1' };
  const { message } = prepare({ type: 't', headers });
  headers.a = '2';
  assert.deepEqual(message.headers, { a: '1' });
});
