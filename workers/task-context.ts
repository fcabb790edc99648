import { NotSerializableError, PayloadTooLargeError } from '../src/errors.ts';
import type { TaskContext, TaskLogger } from '../src/handler.ts';
import { encodePayload } from '../src/payload.ts';
import type { EnqueueCalls } from './enqueue-calls.ts';
import type { Outbox } from './outbox.ts';
import type { RunOutput } from './run-output.ts';
import type { RunStop } from './run-stop.ts';
import { createTaskLog } from './task-log.ts';

/** Largest progress value as JSON, in characters. */
const MAX_PROGRESS_SIZE = 16_384;

/** What a context is made of. */
export interface TaskContextOptions {
  readonly run: number;
  readonly stop: RunStop;
  /** Counts a sign of life; does nothing once the run is over. */
  readonly beat: () => void;
  readonly output: RunOutput;
  readonly outbox: Outbox;
  readonly calls: EnqueueCalls;
  readonly keepsResult: boolean;
  readonly maxResultSize: number;
}

/** The context of one run, and the result that its handler set by hand. */
export interface RunContext {
  readonly ctx: TaskContext;
  readonly result: () => Uint8Array | undefined;
}

/** Makes `ctx`. Its methods may be taken off it: `(task, { log, progress }) => …`. */
export function createTaskContext(options: TaskContextOptions): RunContext {
  const { run, stop, beat, output, outbox, calls } = options;
  let log: TaskLogger | undefined;
  let result: Uint8Array | undefined;
  const ctx: TaskContext = {
    get signal() {
      return stop.signal;
    },
    get canceled() {
      return stop.check() !== undefined;
    },
    get log() {
      log ??= createTaskLog(outbox, output);
      return log;
    },
    throwIfCanceled: () => {
      const error = stop.check();
      if (error !== undefined) throw error;
    },
    heartbeat: beat,
    progress: (value) => {
      beat(); // also when the value waits for its turn, or cannot be sent
      outbox.progress(output, encodeProgress(value));
    },
    setResult: (bytes) => {
      result = encodeResult(bytes, options);
    },
    enqueue: (task, enqueueOptions) => calls.enqueue(run, task, enqueueOptions),
    enqueueMany: (requests) => calls.enqueueMany(run, requests),
  };
  return { ctx, result: () => result };
}

/** Throws `NotSerializableError` and `PayloadTooLargeError` in the handler, where the mistake is. */
function encodeProgress(value: unknown): string {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  const json = toJson(value);
  if (json === undefined) throw new NotSerializableError('progress value');
  if (json.length > MAX_PROGRESS_SIZE) {
    throw new PayloadTooLargeError('progress value', json.length, MAX_PROGRESS_SIZE);
  }
  return json;
}

function toJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw new NotSerializableError('progress value', { cause });
  }
}

/** The kind of value is checked even when no result is kept, so that a mistake shows without retention too. */
function encodeResult(
  value: unknown,
  { keepsResult, maxResultSize }: TaskContextOptions,
): Uint8Array | undefined {
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) {
    throw new NotSerializableError('result given to setResult, neither bytes nor a string,');
  }
  if (!keepsResult) return undefined;
  const bytes = encodePayload(value, 'result');
  if (bytes.byteLength > maxResultSize) {
    throw new PayloadTooLargeError('result', bytes.byteLength, maxResultSize);
  }
  return bytes;
}
