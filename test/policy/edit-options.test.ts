import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidOptionsError } from '../../src/errors.ts';
import { checkReschedule, checkTaskAddress } from '../../src/policy/edit-options.ts';

/** Names of all issues that a check reports. */
function issuesOf(check: () => unknown): string[] {
  try {
    check();
    return [];
  } catch (error) {
    assert.ok(error instanceof InvalidOptionsError, String(error));
    return error.issues.map((issue) => issue.name);
  }
}

test('a time is an instant, a delay or now, and a delay of 0 is now', () => {
  assert.deepEqual(checkReschedule({ processAt: new Date(1500) }), { at: 1500 });
  assert.deepEqual(checkReschedule({ processAt: 1500 }), { at: 1500 });
  assert.deepEqual(checkReschedule({ processIn: '1.5s' }), { in: 1500 });
  assert.equal(checkReschedule({ processIn: 0 }), undefined);
  assert.equal(checkReschedule({ now: true, processAt: undefined }), undefined);
});

test('exactly one time is asked for', () => {
  assert.deepEqual(
    issuesOf(() => checkReschedule({})),
    ['when'],
  );
  assert.deepEqual(
    issuesOf(() => checkReschedule({ now: true, processIn: 5 })),
    ['when'],
  );
  for (const when of [undefined, null, '1h', 5]) {
    assert.deepEqual(
      issuesOf(() => checkReschedule(when)),
      ['when'],
      String(when),
    );
  }
});

test('a wrong time is named, and an unknown one with the name that was meant', () => {
  for (const [name, values] of Object.entries({
    processAt: [new Date(Number.NaN), 0, -5, '2030-01-01', null],
    processIn: [-1, 'soon', Number.NaN, true, null],
    now: [false, 1, null],
  })) {
    for (const value of values) {
      assert.deepEqual(
        issuesOf(() => checkReschedule({ [name]: value })),
        [name],
        String(value),
      );
    }
  }
  assert.throws(() => checkReschedule({ procesIn: '1h' }), /did you mean processIn\?/);
});

test('a task is named by its ID and its queue, default unless given', () => {
  assert.deepEqual(checkTaskAddress({ id: 'x' }), { taskId: 'x', queue: 'default' });
  assert.deepEqual(checkTaskAddress({ id: 'x', queue: 'low', type: 't' }), {
    taskId: 'x',
    queue: 'low',
  });
  for (const task of [undefined, null, 'x']) {
    assert.deepEqual(
      issuesOf(() => checkTaskAddress(task)),
      ['task'],
    );
  }
  assert.deepEqual(
    issuesOf(() => checkTaskAddress({ id: ' ', queue: '{x}' })),
    ['task.id', 'task.queue'],
  );
});
