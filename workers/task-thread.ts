/**
 * A pool thread: takes tasks through the control port, runs them, and says on its board when each begins, and through the
 * port what happens, per run in this order: log lines and progress, outcome; and last, if its code ends the thread, doomed.
 * A plain success that has said nothing goes over the board as well. Each outcome is out before the next run begins.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { MessageChannel, threadId, type MessagePort, type Transferable } from 'node:worker_threads';
import type { HandlerDefinition } from '../src/handler.ts';
import { serializeError } from '../src/serialize-error.ts';
import type {
  FailureKind,
  TaskEnvelope,
  TaskOutcome,
  ThreadHello,
  ThreadSettings,
  ToThread,
} from '../src/threads/messages.ts';
import { RunTable } from '../src/threads/run-table.ts';
import type { PlacedEnvelope } from '../src/threads/task-batch.ts';
import { watchChildProcesses } from './child-processes.ts';
import { captureConsole, endStreams } from './console-capture.ts';
import { ControlPort } from './control-port.ts';
import { EnqueueCalls } from './enqueue-calls.ts';
import { captureExit, type Exit } from './exit-capture.ts';
import { makeLine } from './log-fields.ts';
import { outcomeOfThrow } from './outcome.ts';
import { Outbox } from './outbox.ts';
import type { RunOutput } from './run-output.ts';
import { RunJournal } from './run-journal.ts';
import { RunLine } from './run-line.ts';
import { RunWork } from './run-work.ts';
import { ThreadBoard } from './thread-board.ts';
import { type RunBoard, ThreadRun } from './thread-run.ts';
import { transferList } from './transfer-list.ts';

/** A timer that throws for as long as a neighbour runs must not flood the main thread. */
const MAX_DOOMS = 100;

/** Everything one thread holds. */
export class TaskThread {
  readonly #context = new AsyncLocalStorage<ThreadRun>();
  readonly #runs = new RunTable<ThreadRun>();
  readonly #board: ThreadBoard;
  readonly #control: ControlPort;
  readonly #line: RunLine;
  readonly #outbox: Outbox;
  readonly #calls: EnqueueCalls;
  readonly #work: RunWork;
  readonly #journal: RunJournal;
  readonly #exit: Exit;
  readonly #runBoard: RunBoard;
  /** Times that code of this thread did what ends it. */
  #dooms = 0;

  /** Says hello through `parentPort` and takes over the thread's console, its uncaught errors and its exit. */
  constructor(settings: ThreadSettings, parentPort: MessagePort) {
    const { port1, port2 } = new MessageChannel();
    this.#board = new ThreadBoard(settings.tasksPerThread);
    this.#control = new ControlPort(port1, (message, isInRun) => this.#hear(message, isInRun));
    this.#runBoard = {
      cells: this.#board.cells,
      stopCell: (place) => this.#board.stopCell(place),
      journalSlot: (place) => this.#board.journalSlot(place),
      drain: () => this.#control.drain(),
      inContext: (run, act) => this.#context.run(run, act),
    };
    this.#line = new RunLine({
      slots: settings.tasksPerThread,
      begin: (envelope, onEnd) => this.#begin(envelope, onEnd),
      isOpen: () => this.#dooms === 0,
      isMainHere: () => this.#board.isMainHere(),
      onNews: () => this.#control.pointToBoard(),
    });
    this.#outbox = new Outbox((message) => this.#control.post(message), settings.logLevel);
    this.#calls = new EnqueueCalls((message, transfer) => this.#control.post(message, transfer));
    this.#work = new RunWork({
      settings,
      outbox: this.#outbox,
      calls: this.#calls,
      beat: (place) => this.#board.beat(place),
    });
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

  /** Begins a run; `false`: main has taken it back. Calls back when its code has ended, maybe at once. */
  #begin(envelope: PlacedEnvelope, onEnd: () => void): boolean {
    // Its record in the journal may be another run's by now.
    if (!this.#board.begin(envelope.place, envelope.run)) return false;
    this.#journal.begin(this.#board.journalSlot(envelope.place), envelope); // before any code of the run can end the process
    const run = new ThreadRun(envelope, this.#control.said, this.#runBoard);
    this.#runs.set(run);
    const plain = this.#work.plainHandler(envelope);
    if (plain === undefined) void this.#context.run(run, () => this.#execute(run)).then(onEnd);
    else this.#context.run(run, () => this.#executePlainly(run, plain, onEnd));
    return true;
  }

  #executePlainly(run: ThreadRun, definition: HandlerDefinition, onEnd: () => void): void {
    run.definition = definition;
    try {
      const { ctx } = this.#work.makeContext(run);
      ctx.throwIfCanceled();
      const returned = definition.handle(run.task, ctx);
      if (isThenable(returned)) {
        return void Promise.resolve(returned).then(
          () => this.#endPlainly(run, onEnd),
          (error: unknown) => this.#end(run, this.#threw(run, error, 'error'), onEnd),
        );
      }
    } catch (error) {
      return this.#end(run, this.#threw(run, error, 'error'), onEnd);
    }
    this.#endPlainly(run, onEnd);
  }

  #endPlainly(run: ThreadRun, onEnd: () => void): void {
    this.#end(run, { kind: 'returned', runMs: run.runMs }, onEnd);
  }

  async #execute(run: ThreadRun): Promise<void> {
    const outcome = await this.#outcomeOf(run);
    this.#end(run, outcome);
  }

  #end(run: ThreadRun, outcome: TaskOutcome, onEnd?: () => void): void {
    // Before the outcome is out: then the place may be another run's. Not where an uncaught error was taken for the
    // outcome, since the code that went on could still end the process.
    this.#journal.end(run.journalSlot);
    this.#settle(run, outcome);
    this.#exitIfDone();
    onEnd?.();
  }

  async #outcomeOf(run: ThreadRun): Promise<TaskOutcome> {
    try {
      const returned = await this.#work.perform(run);
      return { kind: 'returned', runMs: run.runMs, ...returned };
    } catch (error) {
      return this.#threw(run, error, 'error');
    }
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
    if (this.#isSilent(run, outcome) && this.#board.succeed(run.envelope.place, outcome.runMs))
      return;
    const bytes = outcome.kind === 'returned' ? [outcome.result, outcome.task?.payload] : [];
    this.#postOutcome(run.envelope.run, outcome, transferList(bytes));
  }

  /** Nothing was said since it began, by nobody: so there is no order to keep, and nothing to send. */
  #isSilent({ saidBefore }: ThreadRun, outcome: TaskOutcome): boolean {
    if (outcome.kind !== 'returned' || this.#control.said !== saidBefore) return false;
    return outcome.result === undefined && outcome.task === undefined;
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

  #hear(message: ToThread, isInRun: boolean): void {
    if (message.kind === 'tasks') return this.#line.add(message.batch, isInRun);
    if (message.kind === 'enqueued') return this.#calls.answer(message.call, message.answers);
    // A run that is not here has ended: main stops only what has begun.
    this.#runs.get(message.run)?.stop.stop(message.reason);
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

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

function namesOf({ id, type, queue }: TaskEnvelope): Pick<TaskEnvelope, 'id' | 'type' | 'queue'> {
  return { id, type, queue };
}
