import { NotSerializableError, PayloadTooLargeError } from '../src/errors.ts';
import type { TaskContext, TaskLogger } from '../src/handler.ts';
import { encodePayload } from '../src/payload.ts';
import type { EnqueueCalls } from './enqueue-calls.ts';
import type { Outbox } from './outbox.ts';
import { createTaskLog } from './task-log.ts';
import type { ThreadRun } from './thread-run.ts';

/** Largest progress value as JSON, in characters. */
const MAX_PROGRESS_SIZE = 16_384;

/** What the contexts of all runs of a thread work with. */
export interface ContextTools {
  readonly outbox: Outbox;
  readonly calls: EnqueueCalls;
  readonly maxResultSize: number;
  /** Counts a sign of life of the run in this place. */
  beat(place: number): void;
}

/** Where a context keeps what its accessors answer from; `Object.create(ctx)` finds it as well. */
const INSIDE = Symbol('inside');

/** The context of one run, and what belongs to it. */
export class RunContext {
  readonly ctx: TaskContext;
  readonly run: ThreadRun;
  readonly tools: ContextTools;
  /** The result that its handler set by hand. */
  result: Uint8Array | undefined;
  log: TaskLogger | undefined;
  progress: TaskContext['progress'] | undefined;
  setResult: TaskContext['setResult'] | undefined;
  enqueue: TaskContext['enqueue'] | undefined;
  enqueueMany: TaskContext['enqueueMany'] | undefined;

  constructor(run: ThreadRun, tools: ContextTools) {
    this.run = run;
    this.tools = tools;
    this.ctx = new Context(this);
  }

  /** When the run is over, its place may be another run's. */
  beat(): void {
    const { isOver, envelope } = this.run;
    if (!isOver) this.tools.beat(envelope.place);
  }
}

/**
 * `ctx`. Its methods may be taken off it: `(task, { log, progress }) => …`. The accessors are those of the class: V8 keeps the
 * functions of an object literal's own ones in the old generation, where they hold the whole run until the next full
 * collection. What few handlers call is made when it is asked for.
 */
class Context implements TaskContext {
  readonly [INSIDE]: RunContext;
  readonly throwIfCanceled: () => void;
  readonly heartbeat: () => void;

  constructor(inside: RunContext) {
    const { stop } = inside.run;
    this[INSIDE] = inside;
    this.throwIfCanceled = () => {
      const error = stop.check();
      if (error !== undefined) throw error;
    };
    this.heartbeat = () => inside.beat();
  }

  get signal(): AbortSignal {
    return this[INSIDE].run.stop.signal;
  }

  get canceled(): boolean {
    return this[INSIDE].run.stop.check() !== undefined;
  }

  get log(): TaskLogger {
    const inside = this[INSIDE];
    inside.log ??= createTaskLog(inside.tools.outbox, inside.run.output);
    return inside.log;
  }

  get progress(): TaskContext['progress'] {
    const inside = this[INSIDE];
    inside.progress ??= (value) => {
      inside.beat(); // also when the value waits for its turn, or cannot be sent
      inside.tools.outbox.progress(inside.run.output, encodeProgress(value));
    };
    return inside.progress;
  }

  get setResult(): TaskContext['setResult'] {
    const inside = this[INSIDE];
    inside.setResult ??= (bytes) => {
      inside.result = encodeResult(bytes, inside);
    };
    return inside.setResult;
  }

  get enqueue(): TaskContext['enqueue'] {
    const { run, tools } = this[INSIDE];
    this[INSIDE].enqueue ??= (task, options) => tools.calls.enqueue(run.run, task, options);
    return this[INSIDE].enqueue;
  }

  get enqueueMany(): TaskContext['enqueueMany'] {
    const { run, tools } = this[INSIDE];
    this[INSIDE].enqueueMany ??= (requests) => tools.calls.enqueueMany(run.run, requests);
    return this[INSIDE].enqueueMany;
  }
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
  { run, tools: { maxResultSize } }: RunContext,
): Uint8Array | undefined {
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) {
    throw new NotSerializableError('result given to setResult, neither bytes nor a string,');
  }
  if (!run.envelope.keepsResult) return undefined;
  const bytes = encodePayload(value, 'result');
  if (bytes.byteLength > maxResultSize) {
    throw new PayloadTooLargeError('result', bytes.byteLength, maxResultSize);
  }
  return bytes;
}
