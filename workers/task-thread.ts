/**
 * A pool thread: takes envelopes, runs them, and says all that happens through the control port, per run in this order:
 * begun, log lines and progress, outcome; and last, if its code ends the thread, doomed.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { MessageChannel, threadId, type MessagePort, type Transferable } from 'node:worker_threads';
import type { Middleware } from '../src/handler.ts';
import { serializeError } from '../src/serialize-error.ts';
import type {
  FailureKind,
  StopReason,
  TaskEnvelope,
  TaskOutcome,
  ThreadHello,
  ThreadSettings,
  ToThread,
} from '../src/threads/messages.ts';
import { watchChildProcesses } from './child-processes.ts';
import { captureConsole, endStreams } from './console-capture.ts';
import { ControlPort } from './control-port.ts';
import { EnqueueCalls } from './enqueue-calls.ts';
import { captureExit, type Exit } from './exit-capture.ts';
import { loadHandler, loadMiddleware } from './handler-loader.ts';
import { makeLine } from './log-fields.ts';
import { outcomeOfThrow } from './outcome.ts';
import { Outbox } from './outbox.ts';
import type { RunOutput } from './run-output.ts';
import { encodeResult, runThrough, validatePayload, validateResult } from './run-handler.ts';
import { RunJournal } from './run-journal.ts';
import { RunStop } from './run-stop.ts';
import { createTaskContext } from './task-context.ts';
import { ThreadBoard } from './thread-board.ts';
import { ThreadRun } from './thread-run.ts';
import { transferList } from './transfer-list.ts';

/** Stops that came before their run, at most this many are remembered. */
const MAX_EARLY_STOPS = 64;
/** A timer that throws for as long as a neighbour runs must not flood the main thread. */
const MAX_DOOMS = 100;

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
  readonly #journal: RunJournal;
  readonly #exit: Exit;
  /** Times that code of this thread did what ends it. */
  #dooms = 0;

  /** Says hello through `parentPort` and takes over the thread's console, its uncaught errors and its exit. */
  constructor(settings: ThreadSettings, parentPort: MessagePort) {
    const { port1, port2 } = new MessageChannel();
    this.#settings = settings;
    this.#board = new ThreadBoard(settings.tasksPerThread);
    this.#control = new ControlPort(port1, (message) => this.#hear(message));
    this.#outbox = new Outbox((message) => this.#control.post(message), settings.logLevel);
    this.#calls = new EnqueueCalls((message, transfer) => this.#control.post(message, transfer));
    this.#journal = new RunJournal(settings.journalFd, (error) =>
      this.#logFault(this.#outbox.stray, 'the journal could not be written', error),
    );
    captureConsole(this.#outbox, () => this.#context.getStore()?.output ?? this.#outbox.stray);
    watchChildProcesses(
      (message) => this.#control.post(message),
      () => this.#liveRun()?.envelope.run ?? 0,
      this.#board,
    );
    this.#exit = captureExit((error) => this.#doom('exit', error));
    process.on('uncaughtException', (error) => this.#onUncaught(error));
    process.on('unhandledRejection', (reason) => this.#onUncaught(reason));
    process.on('exit', () => this.#onEnd());
    const board = this.#board.memory;
    const hello: ThreadHello = { kind: 'threadmill:hello', threadId, port: port2, board };
    parentPort.postMessage(hello, [port2]);
  }

  /** Runs one task. Never rejects: the outcome goes through the control port. */
  async run(envelope: TaskEnvelope): Promise<void> {
    if (this.#dooms > 0) {
      // It was on its way before the pool heard of the doom, and need not wait for the runs that go on here.
      this.#control.post({ kind: 'refused', run: envelope.run });
      return;
    }
    const run = this.#begin(envelope);
    await this.#context.run(run, () => this.#execute(run));
    this.#exitIfDone();
  }

  #begin(envelope: TaskEnvelope): ThreadRun {
    const slot = this.#board.claim(envelope.run);
    const run = new ThreadRun(envelope, slot, (self) => this.#makeStop(self, slot));
    this.#runs.set(envelope.run, run);
    this.#journal.begin(envelope); // before any code of the run can end the process
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
    const outcome = await this.#outcomeOf(run);
    // Before the outcome is out: then the slot may be another run's. Not where an uncaught error was taken for the
    // outcome, since the code that went on could still end the process.
    this.#journal.end(run.envelope);
    this.#settle(run, outcome);
  }

  async #outcomeOf(run: ThreadRun): Promise<TaskOutcome> {
    try {
      const result = await this.#perform(run);
      const { runMs } = run;
      return { kind: 'returned', runMs, ...(result === undefined ? {} : { result }) };
    } catch (error) {
      return this.#threw(run, error, 'error');
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
      beat: () => this.#beat(run),
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
    if (set !== undefined) return set;
    const checked = await validateResult(definition, task.type, returned);
    return encodeResult(checked, this.#settings.maxResultSize);
  }

  async #middleware(own: readonly Middleware[] = []): Promise<readonly Middleware[]> {
    const { middleware } = this.#settings;
    if (middleware.length === 0) return own;
    return [...(await Promise.all(middleware.map(loadMiddleware))), ...own];
  }

  /** When the run is over, its slot may be another run's. */
  #beat(run: ThreadRun): void {
    if (!run.isOver) this.#board.beat(run.slot);
  }

  #threw(run: ThreadRun, error: unknown, failure: FailureKind): TaskOutcome {
    return outcomeOfThrow(error, {
      definition: run.definition,
      task: run.task,
      runMs: run.runMs,
      failure,
      onFault: (message, fault) => this.#logFault(run.output, message, fault),
    });
  }

  #logFault(output: RunOutput, message: string, fault: unknown): void {
    this.#outbox.log(output, 'error', 'log', () => makeLine({ err: fault }, message));
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
      const threw = { kind: 'threw', runMs, verdict: 'failure', failure: 'error', error } as const;
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

  /** The run whose code is running, while it may still have an outcome. */
  #liveRun(): ThreadRun | undefined {
    const run = this.#context.getStore();
    return run?.isOver === false ? run : undefined;
  }

  /** An error that nobody caught ends the thread, as its state is unknown; its other runs may finish first. */
  #onUncaught(error: unknown): void {
    this.#doom('uncaught', error);
    this.#exitIfDone();
  }

  /** What the running code did ends the thread. A run that is still going takes the error for its outcome. */
  #doom(by: 'uncaught' | 'exit', error: unknown): void {
    this.#dooms += 1;
    const run = this.#context.getStore();
    const isOver = this.#liveRun() === undefined;
    if (run !== undefined && !isOver) this.#settle(run, this.#threw(run, error, by));
    this.#outbox.flush();
    if (by === 'uncaught' && this.#dooms > MAX_DOOMS) return;
    const task = run === undefined ? {} : { task: { ...namesOf(run.envelope), isOver } };
    const number = run?.envelope.run ?? 0;
    this.#control.post({ kind: 'doomed', by, run: number, ...task, error: serializeError(error) });
  }

  #exitIfDone(): void {
    if (this.#dooms > 0 && this.#runs.size === 0) this.#exit(1);
  }

  /** All code of this thread has ended. */
  #onEnd(): void {
    this.#journal.endAll();
    this.#outbox.flush();
  }
}

function namesOf({ id, type, queue }: TaskEnvelope): Pick<TaskEnvelope, 'id' | 'type' | 'queue'> {
  return { id, type, queue };
}
