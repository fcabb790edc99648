/** Runs one task through schema, middleware and handler. */
import { InvalidPayloadError, NotSerializableError, PayloadTooLargeError } from '../src/errors.ts';
import type { HandlerDefinition, Middleware, TaskContext } from '../src/handler.ts';
import { encodePayload } from '../src/payload.ts';
import { describeSchemaIssues, type StandardSchema } from '../src/standard-schema.ts';
import type { ThreadTask } from './thread-task.ts';

/** The payload itself is wrong: no attempt can help. Told apart from the same error thrown by the handler's own code. */
export class PayloadRefused extends Error {
  readonly error: InvalidPayloadError;

  constructor(error: InvalidPayloadError) {
    super(error.message);
    this.error = error;
  }
}

/** What the handler returned cannot be encoded. Told apart from the same error thrown by the handler's own code. */
export class ResultRefused extends Error {
  readonly error: NotSerializableError;

  constructor(error: NotSerializableError) {
    super(error.message);
    this.error = error;
  }
}

/** Whether nothing is to be awaited round the handler: no schema to ask, no middleware to run through. */
export function isPlain({ schema, task, middleware }: HandlerDefinition): boolean {
  return schema === undefined && task === undefined && (middleware?.length ?? 0) === 0;
}

/** Validates the payload where the handler has a schema; `task.json()` then answers what the schema returned. */
export async function validatePayload(
  definition: HandlerDefinition,
  task: ThreadTask,
): Promise<void> {
  const schema = definition.schema ?? definition.task?.payloadSchema;
  if (schema === undefined) return;
  const what = `payload of task ${task.type}`;
  const result = await schema['~standard'].validate(parse(task, what));
  if (result.issues !== undefined) {
    throw new PayloadRefused(new InvalidPayloadError(what, describeSchemaIssues(result.issues)));
  }
  task.setJson(result.value);
}

function parse(task: ThreadTask, what: string): unknown {
  try {
    return task.json();
  } catch (error) {
    const issue = error instanceof Error ? error.message : 'it is not JSON';
    throw new PayloadRefused(new InvalidPayloadError(what, [issue]));
  }
}

/** Runs the handler inside its middleware, outermost first. */
export function runThrough(
  middleware: readonly Middleware[],
  definition: HandlerDefinition,
  task: ThreadTask,
  ctx: TaskContext,
): Promise<unknown> {
  const enter = async (index: number): Promise<unknown> => {
    const outer = middleware[index];
    if (outer === undefined) return definition.handle(task, ctx);
    let isEntered = false;
    return outer(task, ctx, async () => {
      if (isEntered) throw new Error('next() was called twice by a middleware');
      isEntered = true;
      return enter(index + 1);
    });
  };
  return enter(0);
}

/** The result as it will be stored. Throws `InvalidPayloadError` when it does not fit the declared schema. */
export async function validateResult(
  definition: HandlerDefinition,
  type: string,
  result: unknown,
): Promise<unknown> {
  const schema: StandardSchema | undefined = definition.task?.resultSchema;
  if (schema === undefined) return result;
  const checked = await schema['~standard'].validate(result);
  if (checked.issues === undefined) return checked.value;
  throw new InvalidPayloadError(`result of task ${type}`, describeSchemaIssues(checked.issues));
}

/** The bytes of a result; `undefined` stays what it is. Throws `ResultRefused`, and `PayloadTooLargeError` over `maxSize`. */
export function encodeResult(value: unknown, maxSize: number): Uint8Array | undefined {
  if (value === undefined) return undefined;
  const bytes = tryEncode(value);
  if (bytes.byteLength <= maxSize) return bytes;
  throw new PayloadTooLargeError('result', bytes.byteLength, maxSize);
}

function tryEncode(value: unknown): Uint8Array {
  try {
    return encodePayload(value, 'result');
  } catch (error) {
    throw error instanceof NotSerializableError ? new ResultRefused(error) : error;
  }
}
