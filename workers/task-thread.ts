/**
 * A pool thread: takes envelopes, runs them, and says all that happens through the control port, per run in this order:
 * begun, log lines and progress, outcome.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { MessageChannel, threadId, type MessagePort, type Transferable } from 'node:worker_threads';
import { PayloadTooLargeError } from '../src/errors.ts';
import type { Middleware } from '../src/handler.ts';
import { encodePayload } from '../src/payload.ts';
import { serializeError } from '../src/serialize-error.ts';
import type {
  StopReason,
  TaskEnvelope,
  TaskOutcome,
  ThreadHello,
  ThreadSettings,
  ToThread,
} from '../src/threads/messages.ts';
import { captureConsole, endStreams } from './console-capture.ts';
import { ControlPort } from './control-port.ts';
import { EnqueueCalls } from './enqueue-calls.ts';
import { loadHandler, loadMiddleware } from './handler-loader.ts';
import { makeLine } from './log-fields.ts';
import { outcomeOfThrow } from './outcome.ts';
import { Outbox } from './outbox.ts';
import { transferList } from './transfer-list.ts';
import { runThrough, validatePayload, validateResult } from './run-handler.ts';
import { RunStop } from './run-stop.ts';
import { createTaskContext } from './task-context.ts';
import { ThreadBoard } from './thread-board.ts';
import { ThreadRun } from './thread-run.ts';

/** Stops that came before their run, at most this many are remembered. */
const MAX_EARLY_STOPS = 64;

/** Everything one thread holds. */
export class TaskThread {
  readonly #settings: ThreadSettings;
  readonly #context = new AsyncLocalStorage<ThreadRun>();
  readonly #runs = new Map<number, ThreadRun>();
  readonly #earlyStops = new Map<number, StopReason>();
  readonly #board: ThreadBoard;
  readonly #control: ControlPort;
  readonly #outbox: Outbox;
  readonly #calls: EnqueueCalls;
  #isDoomed = false;

  /** Says hello through `parentPort` and takes over the thread's console and its uncaught errors. */
  constructor(settings: ThreadSettings, parentPort: MessagePort) {
    const { port1, port2 } = new MessageChannel();
    this.#settings = settings;
    this.#board = new ThreadBoard(settings.tasksPerThread);
    this.#control = new ControlPort(port1, (message) => this.#hear(message));
    this.#outbox = new Outbox((message) => this.#control.post(message), settings.logLevel);
    this.#calls = new EnqueueCalls((message, transfer) => this.#control.post(message, transfer));
    captureConsole(this.#outbox, () => this.#context.getStore()?.output ?? this.#outbox.stray);
    process.on('uncaughtException', (error) => this.#onUncaught(error));
    process.on('unhandledRejection', (reason) => this.#onUncaught(reason));
    process.on('exit', () => this.#outbox.flush());
    const board = this.#board.memory;
    const hello: ThreadHello = { kind: 'threadmill:hello', threadId, port: port2, board };
    parentPort.postMessage(hello, [port2]);
  }

  /** Runs one task. Never rejects: the outcome goes through the control port. */
  async run(envelope: TaskEnvelope): Promise<void> {
    // Never begun, so the pool knows that it can go elsewhere when this thread ends.
    if (this.#isDoomed) return new Promise(() => {});
    const run = this.#begin(envelope);
    await this.#context.run(run, () => this.#execute(run));
    if (this.#isDoomed && this.#runs.size === 0) process.exit(1);
  }

  #begin(envelope: TaskEnvelope): ThreadRun {
    const slot = this.#board.claim(envelope.run);
    const run = new ThreadRun(envelope, slot, (self) => this.#makeStop(self, slot));
    this.#runs.set(envelope.run, run);
    this.#control.post({ kind: 'begun', run: envelope.run, at: Date.now() });
    const reason = this.#earlyStops.get(envelope.run);
    this.#earlyStops.delete(envelope.run);
    if (reason !== undefined) run.stop.stop(reason);
    return run;
  }

  #makeStop(run: ThreadRun, slot: number): RunStop {
    return new RunStop({
      run: run.envelope.run,
      cells: this.#board.cells,
      cell: this.#board.stopCell(slot),
      drain: () => this.#control.drain(),
      inContext: (act) => this.#context.run(run, act),
    });
  }

  async #execute(run: ThreadRun): Promise<void> {
    try {
      const result = await this.#perform(run);
      const runMs = run.runMs;
      this.#settle(run, { kind: 'returned', runMs, ...(result === undefined ? {} : { result }) });
    } catch (error) {
      this.#settle(run, this.#threw(run, error));
    }
  }

  /** Load, validate, run; answers the encoded result when one is to be kept. */
  async #perform(run: ThreadRun): Promise<Uint8Array | undefined> {
    const { envelope, task } = run;
    const { definition } = await loadHandler(envelope.handler.url);
    run.definition = definition;
    await validatePayload(definition, task);
    const { ctx, result } = createTaskContext({
      run: envelope.run,
      stop: run.stop,
      output: run.output,
      outbox: this.#outbox,
      calls: this.#calls,
      keepsResult: envelope.keepsResult,
      maxResultSize: this.#settings.maxResultSize,
    });
    const middleware = await this.#middleware(definition.middleware);
    // A run that was stopped while its module loaded never reaches its handler (protocol 16.5).
    ctx.throwIfCanceled();
    const returned = await runThrough(middleware, definition, task, ctx);
    if (!envelope.keepsResult || run.isOver) return undefined;
    const set = result();
    return set ?? this.#encode(await validateResult(definition, task.type, returned));
  }

  async #middleware(own: readonly Middleware[] = []): Promise<readonly Middleware[]> {
    const { middleware } = this.#settings;
    if (middleware.length === 0) return own;
    return [...(await Promise.all(middleware.map(loadMiddleware))), ...own];
  }

  #encode(value: unknown): Uint8Array | undefined {
    if (value === undefined) return undefined;
    const bytes = encodePayload(value, 'result');
    const { maxResultSize } = this.#settings;
    if (bytes.byteLength <= maxResultSize) return bytes;
    throw new PayloadTooLargeError('result', bytes.byteLength, maxResultSize);
  }

  #threw(run: ThreadRun, error: unknown): TaskOutcome {
    return outcomeOfThrow(error, {
      definition: run.definition,
      task: run.task,
      runMs: run.runMs,
      onFault: (message, fault) =>
        this.#outbox.log(run.output, 'error', 'log', () => makeLine({ err: fault }, message)),
    });
  }

  #settle(run: ThreadRun, outcome: TaskOutcome): void {
    if (run.isOver) return;
    run.isOver = true;
    endStreams(this.#outbox, run.output);
    this.#outbox.finish(run.output);
    this.#runs.delete(run.envelope.run);
    this.#board.free(run.slot);
    const result = outcome.kind === 'returned' ? outcome.result : undefined;
    this.#postOutcome(run.envelope.run, outcome, transferList([result]));
  }

  #postOutcome(run: number, outcome: TaskOutcome, transfer: readonly Transferable[]): void {
    try {
      this.#control.post({ kind: 'outcome', run, outcome }, transfer);
    } catch (cause) {
      // Outcomes are made of plain data, so this is a bug of ours; still the run must end.
      const error = serializeError(new Error('the outcome could not be sent', { cause }));
      const { runMs } = outcome;
      const threw: TaskOutcome = { kind: 'threw', runMs, verdict: 'failure', error };
      this.#control.post({ kind: 'outcome', run, outcome: threw });
    }
  }

  #hear(message: ToThread): void {
    if (message.kind === 'enqueued') return this.#calls.answer(message.call, message.answers);
    const run = this.#runs.get(message.run);
    if (run === undefined) this.#remember(message.run, message.reason);
    else run.stop.stop(message.reason);
  }

  /** The stop of a run that is over, or that has not arrived yet: run numbers never repeat, so it can hit no other. */
  #remember(run: number, reason: StopReason): void {
    this.#earlyStops.set(run, reason);
    if (this.#earlyStops.size <= MAX_EARLY_STOPS) return;
    const [oldest] = this.#earlyStops.keys();
    if (oldest !== undefined) this.#earlyStops.delete(oldest);
  }

  /**
   * An error that nobody caught ends the thread, as its state is unknown; its other runs may finish first. A run that
   * is still going takes the error for its outcome.
   */
  #onUncaught(error: unknown): void {
    const run = this.#context.getStore();
    if (run !== undefined) this.#settle(run, this.#threw(run, error));
    this.#outbox.flush();
    const number = run?.envelope.run ?? 0;
    this.#control.post({ kind: 'uncaught', run: number, error: serializeError(error) });
    this.#isDoomed = true;
    if (this.#runs.size === 0) process.exit(1);
  }
}
