/** Asks the schema of a task definition about a payload. Imports no package, so that worker threads may load it. */
import { InvalidPayloadError } from './errors.ts';
import { isTaskDefinition } from './handler.ts';
import { describeSchemaIssues, type SchemaIssue } from './standard-schema.ts';
import type { NewTask } from './task.ts';

/**
 * Throws `InvalidPayloadError` where the task's definition has a schema that its payload does not fit; a schema that
 * answers later gives a promise of it.
 */
export function validatePayload(task: NewTask): Promise<void> | undefined {
  const { definition } = task as { readonly definition?: unknown };
  if (!isTaskDefinition(definition) || definition.payloadSchema === undefined) return undefined;
  const checked = definition.payloadSchema['~standard'].validate(task.payload);
  if ('then' in checked) return Promise.resolve(checked).then(({ issues }) => refuse(task, issues));
  refuse(task, checked.issues);
  return undefined;
}

function refuse(task: NewTask, found: readonly SchemaIssue[] | undefined): void {
  if (found === undefined) return;
  const issues = describeSchemaIssues(found);
  throw new InvalidPayloadError(`payload of task type ${JSON.stringify(task.type)}`, issues);
}
