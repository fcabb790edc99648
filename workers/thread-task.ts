import type { Task } from '../src/handler.ts';
import { MAX_RETRY_FOREVER } from '../src/task.ts';
import type { PlacedEnvelope } from '../src/threads/task-batch.ts';
import { ownPayload } from '../src/threads/task-batch.ts';

/** The task as its handler sees it, and the way to replace what `json()` answers by what a schema returned. */
export class ThreadTask implements Task {
  readonly id: string;
  readonly type: string;
  readonly queue: string;
  readonly payload: Uint8Array;
  readonly headers: Task['headers'];
  readonly retried: number;
  readonly maxRetry: number;
  readonly deadline: Date | undefined;
  /** The payload parsed as JSON; `undefined` when there is none. Throws a SyntaxError on text that is not JSON. */
  readonly json: () => unknown;
  #parsed: { readonly value: unknown } | undefined;

  constructor(envelope: PlacedEnvelope) {
    this.id = envelope.id;
    this.type = envelope.type;
    this.queue = envelope.queue;
    this.payload = ownPayload(envelope);
    this.headers = envelope.headers;
    this.retried = envelope.retried;
    this.maxRetry =
      envelope.maxRetry >= MAX_RETRY_FOREVER ? Number.POSITIVE_INFINITY : envelope.maxRetry;
    this.deadline = envelope.deadline === undefined ? undefined : new Date(envelope.deadline);
    this.json = () => {
      this.#parsed ??= { value: parseJson(this.payload) };
      return this.#parsed.value;
    };
  }

  /** From now on `json()` answers this. */
  setJson(value: unknown): void {
    this.#parsed = { value };
  }
}

/** Bytes parsed as JSON; `undefined` when there are none. Throws a SyntaxError that quotes nothing of them. */
export function parseJson(bytes: Uint8Array): unknown {
  if (bytes.byteLength === 0) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  try {
    return JSON.parse(text);
  } catch (error) {
    // The engine's text quotes the payload, which must not get into logs and stored error texts: only the place is kept.
    const place = / at position \d+/.exec(String(error))?.[0] ?? '';
    throw new SyntaxError(`the payload is not JSON: unexpected text or end${place}`);
  }
}
