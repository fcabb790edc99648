/**
 * Hands tasks to threads, brings what the threads say, and ends a thread that will not stop.
 *
 *     waiting in the line -> handed to a thread -> begun -> its outcome, or the death of its thread
 *
 * Until a thread has begun a run it can be withdrawn, also out of the thread's hands. One whose thread ends before that
 * goes back to the head of the line.
 *
 * Everything a task has to say comes through the control port of its thread, in order, and a plain success over its board.
 */
import { BoardWatch } from './board-watch.ts';
import type { ChildProcesses } from './child-processes.ts';
import { deathOf, endsThread } from './death.ts';
import { Handover } from './handover.ts';
import type { FromThread, StopReason, TaskEnvelope } from './messages.ts';
import type { PoolListener } from './pool-listener.ts';
import { terminateWorker } from './terminate-worker.ts';
import { ThreadCrew, type ThreadPoolOptions } from './thread-crew.ts';
import { MemoryProbe, type ThreadMemory } from './thread-memory.ts';
import type { RunRecord, ThreadInfo, ThreadRecord } from './thread-record.ts';

export type { ThreadInfo, ThreadMemory, ThreadPoolOptions };
type Outcome = Extract<FromThread, { kind: 'outcome' }>;

/** A fixed number of worker threads. */
export class ThreadPool {
  readonly #options: ThreadPoolOptions;
  readonly #crew: ThreadCrew;
  readonly #handover: Handover;
  readonly #boards: BoardWatch;
  readonly #probe = new MemoryProbe();
  /** Processes of threads that have ended by themselves. */
  readonly #orphans = new Set<ChildProcesses>();
  #listener: PoolListener | undefined;

  constructor(options: ThreadPoolOptions) {
    this.#options = options;
    const onFault = (where: string, error: unknown): void => this.#listener?.onFault(where, error);
    this.#crew = new ThreadCrew(options, {
      onUsable: () => this.#handover.handOn(),
      onMessage: (thread, said) => this.#hear(thread, said),
      onExit: (thread, error) => this.#onExit(thread, error),
      onFault,
    });
    this.#handover = new Handover({
      crew: this.#crew,
      tasksPerThread: options.settings.tasksPerThread,
      tasksPerMessage: options.tasksPerMessage,
      journalFd: options.settings.journalFd,
      onUnbegun: () => this.#boards.wake(),
      onUnsent: (run, error) => this.#tellUnbegun(run, error),
      onFault,
    });
    this.#boards = new BoardWatch({
      handover: this.#handover,
      threads: () => this.#crew.threads.values(),
      listener: () => this.#listener,
      onEnded: (thread) => this.#endIfRetired(thread),
    });
  }

  get total(): number {
    return this.#options.threads;
  }

  /** Threads that have loaded the entry module, live, and are not about to end. */
  get ready(): number {
    return this.threads().length;
  }

  /** Threads that have a task. */
  get busy(): number {
    return this.#crew.busy().length;
  }

  /** Starts all threads; resolves when each has answered. When it rejects, all have ended. */
  async start(listener: PoolListener): Promise<void> {
    this.#listener = listener;
    await this.#crew.start();
  }

  /**
   * Hands a task to a thread, as soon as one has room, in the order of the calls. Its payload is given away. Never throws
   * and never rejects: the end comes through the listener.
   */
  hand(envelope: TaskEnvelope): void {
    if (this.#crew.isUp) this.#handover.add(envelope);
    else this.#tellUnbegun(envelope.run, new Error('the thread pool is not started'));
  }

  /** Takes a run back that no thread has begun; `true`: nobody will be told of it any more. */
  withdraw(run: number): boolean {
    const thread = this.#handover.get(run)?.thread;
    const isBack = this.#handover.withdraw(run);
    if (thread === undefined) return isBack;
    if (isBack) this.#endIfRetired(thread);
    else this.#boards.look(thread); // it has begun: that is told before the answer
    return isBack;
  }

  /** The runs in the line: no thread has been given them. */
  waiting(): number[] {
    return this.#handover.waiting();
  }

  /** Tells the thread of this run to stop it. `false` when no thread has begun it: tell again at `onBegun`. */
  stop(run: number, reason: StopReason): boolean {
    const record = this.#handover.get(run);
    if (record === undefined) return false;
    if (record.thread.board.isOffered(record.place, run)) return false;
    record.thread.stop(record, reason);
    return true;
  }

  /** How often the run has given a sign of life, a number that wraps round; `undefined` when no thread is on it. */
  beats(run: number): number | undefined {
    const record = this.#handover.get(run);
    return record?.hasBegun === true ? record.thread.board.beats(record.place) : undefined;
  }

  /** The runs that have begun on this thread. */
  runsOf(threadId: number): number[] {
    const thread = this.#crew.threads.get(threadId);
    return thread === undefined ? [] : [...thread.begunRuns()];
  }

  /**
   * Ends the thread of this run, and the processes that its handlers started: SIGTERM, SIGKILL after 250 ms. Resolves
   * when its code has really stopped. The pool replaces the thread. Does nothing for a run that no thread has begun, or
   * whose outcome the thread had posted.
   */
  async terminate(run: number): Promise<void> {
    const thread = this.#handover.get(run)?.thread;
    if (thread === undefined) return;
    this.#drain(thread);
    if (this.#handover.get(run)?.hasBegun === true) await this.#end(thread);
  }

  /** The threads that take tasks. */
  threads(): readonly ThreadInfo[] {
    const threads = [...this.#crew.threads.values()];
    return threads.filter(({ isCondemned }) => !isCondemned).map((thread) => thread.info());
  }

  /** Ends a thread when its runs have ended. Resolves when its replacement has answered, or the pool is destroyed. */
  async retire(threadId: number): Promise<void> {
    const thread = this.#crew.threads.get(threadId);
    if (thread === undefined) return;
    thread.isCondemned = true;
    thread.isRetiring = true;
    this.#handover.takeBack(thread, false);
    this.#handover.handOn();
    this.#endIfRetired(thread);
    await thread.exited;
    await this.#crew.nextHello();
  }

  /**
   * What each thread uses that has a task. `undefined` on Node 20, which cannot tell. Leaves out threads that
   * end meanwhile, or that do not answer within 200 ms as they are in a native call. Never rejects.
   */
  memory(): Promise<readonly ThreadMemory[] | undefined> {
    return this.#probe.measure(this.#crew.busy());
  }

  /**
   * Ends all threads and their processes. Resolves when the threads have exited. Of runs that wait in the line nothing is
   * told any more, nor of runs that have begun: their code may still be in a native call, and a requeue would let them
   * run twice at once.
   */
  async destroy(): Promise<void> {
    this.#boards.stop();
    this.#handover.handOn(); // what came in this turn has its thread, as if it had come earlier
    this.#handover.withdrawAll();
    for (const thread of this.#crew.threads.values()) {
      this.#drain(thread);
      for (const run of thread.begunRuns()) this.#handover.forget(run);
      thread.processes.kill();
    }
    for (const processes of this.#orphans) processes.kill();
    await this.#crew.destroy();
  }

  #hear(thread: ThreadRecord, said: FromThread): void {
    const listener = this.#listener;
    if (listener === undefined) return;
    if (said.kind === 'look') return this.#boards.lookAtAll();
    this.#boards.look(thread); // a run has begun before it says anything
    switch (said.kind) {
      case 'outcome':
        return this.#finish(thread, said);
      case 'progress':
        return listener.onProgress(said.run, said.value);
      case 'log':
        return listener.onLog(said.lines, thread.threadId);
      case 'spawned':
        return thread.processes.add(said.pid);
      case 'exited':
        return thread.processes.delete(said.pid);
      case 'doomed':
        // It ends by itself once its other runs have, if they can.
        thread.isCondemned = true;
        thread.doom = said;
        this.#takeBack(thread);
        return listener.onDoomed(said, thread.threadId);
      case 'enqueue':
        return listener.onEnqueue({
          run: said.run,
          items: said.items,
          reply: (answers) => thread.tell({ kind: 'enqueued', call: said.call, answers }),
        });
    }
  }

  #finish(thread: ThreadRecord, { run, outcome }: Outcome): void {
    const record = this.#handover.get(run);
    if (record?.thread !== thread) return;
    const isEnd = endsThread(outcome);
    // Its doom is the next message: until then the thread would be given a run that it never begins.
    if (isEnd) thread.isCondemned = true;
    this.#handover.release(record, isEnd);
    this.#handover.noteRun(thread, outcome.runMs);
    if (isEnd) this.#handover.noteTrouble();
    this.#endIfRetired(thread);
    // Before anything else is done about the outcome: the thread has nothing to do.
    this.#handover.handOn();
    this.#listener?.onOutcome(run, outcome);
  }

  /** The thread begins none any more: what it has not begun goes to others, in its order. */
  #takeBack(thread: ThreadRecord): void {
    const error = new Error('its thread is about to end');
    for (const { run } of this.#handover.takeBack(thread, true)) this.#tellUnbegun(run, error);
    this.#handover.handOn();
  }

  #onExit(thread: ThreadRecord, error: Error): void {
    this.#drain(thread);
    this.#endProcesses(thread);
    const { wasTerminated, doom } = thread;
    const end = { error, begun: thread.begunRuns(), wasTerminated, doom };
    const left = this.#handover.releaseAll(thread);
    const isBegun = ({ run }: RunRecord): boolean => end.begun.has(run);
    if (end.begun.size > 0) this.#handover.noteTrouble();
    // Of runs that had begun each tells by itself.
    else if (thread.error !== undefined) this.#listener?.onFault('thread', thread.error);
    // With nothing else to blame, what it was given may be why it died.
    const isUnexplained = !wasTerminated && doom === undefined && end.begun.size === 0;
    const unbegun = left.filter((record) => !isBegun(record));
    // They wait for another thread; those that cannot, and all at the end of the pool, are told.
    const lost = this.#crew.isUp ? this.#handover.putBack(unbegun, isUnexplained) : unbegun;
    for (const { run } of lost) this.#tellUnbegun(run, error);
    // At the end of the pool nothing is told of them, see `destroy`.
    for (const { run } of this.#crew.isUp ? left.filter(isBegun) : []) {
      this.#listener?.onDied(run, deathOf(run, end));
    }
    this.#listener?.onThreadExit(thread.threadId);
    this.#handover.handOn();
  }

  #tellUnbegun(run: number, error: Error): void {
    this.#listener?.onDied(run, { kind: 'not_begun', error, isOutOfMemory: false });
  }

  /** A thread that was terminated has given its processes their time. */
  #endProcesses({ processes, wasTerminated }: ThreadRecord): void {
    if (processes.size === 0) return;
    if (wasTerminated || !this.#crew.isUp) return processes.kill();
    this.#orphans.add(processes);
    processes.abandon(() => this.#orphans.delete(processes));
  }

  #endIfRetired(thread: ThreadRecord): void {
    if (!thread.isRetiring || thread.runs.size > 0) return;
    this.#end(thread).catch((error: unknown) => this.#listener?.onFault('retire', error));
  }

  /** Joins an end that is under way. */
  #end(thread: ThreadRecord): Promise<void> {
    thread.ending ??= this.#terminate(thread);
    return thread.ending;
  }

  async #terminate(thread: ThreadRecord): Promise<void> {
    thread.isCondemned = true;
    thread.wasTerminated = true;
    this.#takeBack(thread);
    await thread.forbidProcesses();
    this.#drain(thread);
    await thread.processes.end(() => this.#drain(thread));
    await terminateWorker(thread.worker);
  }

  #drain(thread: ThreadRecord): void {
    thread.drain((said) => this.#hear(thread, said));
    this.#boards.look(thread);
  }
}
