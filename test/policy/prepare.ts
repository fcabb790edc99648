/** Prepares tasks as `enqueue` does, whatever is given to it. */
import assert from 'node:assert/strict';
import { InvalidOptionsError } from '../../src/errors.ts';
import { prepareEnqueue, type PreparedTask } from '../../src/policy/enqueue-options.ts';
import type { EnqueueOptions, NewTask } from '../../src/task.ts';

/** The task as it would be sent, with the ID `new-id`; throws what `prepareEnqueue` throws. `maxPayloadSize`: bytes. */
export function prepare(task: unknown, options: unknown = {}, maxPayloadSize = 1000): PreparedTask {
  const context = { newId: () => 'new-id', maxPayloadSize };
  return prepareEnqueue(task as NewTask, options as EnqueueOptions, context);
}

/** Names of all issues that preparing reports. */
export function issuesOf(task: unknown, options: unknown = {}): string[] {
  try {
    prepare(task, options);
    return [];
  } catch (error) {
    assert.ok(error instanceof InvalidOptionsError, String(error));
    return error.issues.map((issue) => issue.name);
  }
}
