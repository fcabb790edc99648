/**
 * Hands tasks to threads, brings what the threads say, and ends a thread that will not stop.
 *
 *     waiting in the line -> handed to a thread -> begun -> its outcome, or the death of its thread
 *
 * A run is handed over only when a thread has room for it, so that what waits can be withdrawn. One whose thread ends or
 * refuses it before it has begun goes back to the head of the line.
 *
 * Piscina's own answer to a task only says that its thread is free; everything a task has to say comes through the
 * control port of its thread, in order.
 */
import type { ChildProcesses } from './child-processes.ts';
import { deathOf } from './death.ts';
import { Handover } from './handover.ts';
import type { FailureKind, FromThread, StopReason, TaskEnvelope } from './messages.ts';
import type { PoolListener } from './pool-listener.ts';
import { terminateWorker } from './terminate-worker.ts';
import { ThreadCrew, type ThreadPoolOptions } from './thread-crew.ts';
import { MemoryProbe, type ThreadMemory } from './thread-memory.ts';
import type { RunRecord, ThreadInfo, ThreadRecord } from './thread-record.ts';

export type { ThreadInfo, ThreadMemory, ThreadPoolOptions };

type Outcome = Extract<FromThread, { kind: 'outcome' }>;

/** What was taken for the outcome of a run whose handler has not returned. */
const ENDS_THREAD: ReadonlySet<FailureKind> = new Set(['uncaught', 'exit']);

/** A fixed number of worker threads. */
export class ThreadPool {
  readonly #options: ThreadPoolOptions;
  readonly #crew: ThreadCrew;
  readonly #handover: Handover;
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
      journalFd: options.settings.journalFd,
      onUnsent: (run, error) => this.#tellUnbegun(run, error),
      onFault,
    });
  }

  get total(): number {
    return this.#options.threads;
  }

  /** Threads that have loaded the entry module, live, and are not about to end. */
  get ready(): number {
    return this.#countThreads(({ isCondemned }) => !isCondemned);
  }

  /** Threads on which at least one task has begun. */
  get busy(): number {
    return this.#countThreads(({ begunCount }) => begunCount > 0);
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

  /** Takes a run out of the line; `true`: it was there, and nobody will be told of it any more. */
  withdraw(run: number): boolean {
    return this.#handover.withdraw(run);
  }

  /** The runs in the line: no thread has been given them. */
  waiting(): number[] {
    return this.#handover.waiting();
  }

  /** Tells the thread of this run to stop it. `false` when no thread has begun it: tell again at `onBegun`. */
  stop(run: number, reason: StopReason): boolean {
    const record = this.#handover.get(run);
    if (record?.hasBegun !== true) return false;
    record.thread.stop(run, reason);
    return true;
  }

  /** How often the run has given a sign of life, a number that wraps round; `undefined` when no thread is on it. */
  beats(run: number): number | undefined {
    return this.#handover.get(run)?.thread.beats(run);
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
    this.#endIfRetired(thread);
    await thread.exited;
    await this.#crew.nextHello();
  }

  /**
   * What each thread uses on which a task has begun. `undefined` on Node 20, which cannot tell. Leaves out threads that
   * end meanwhile, or that do not answer within 200 ms as they are in a native call. Never rejects.
   */
  memory(): Promise<readonly ThreadMemory[] | undefined> {
    const threads = [...this.#crew.threads.values()];
    return this.#probe.measure(threads.filter(({ begunCount }) => begunCount > 0));
  }

  /**
   * Ends all threads and their processes. Resolves when the threads have exited. Of runs that wait in the line nothing is
   * told any more, nor of runs that have begun: their code may still be in a native call, and a requeue would let them
   * run twice at once.
   */
  async destroy(): Promise<void> {
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
    switch (said.kind) {
      case 'begun':
        return this.#begin(thread, said.run, said.at);
      case 'outcome':
        return this.#finish(thread, said);
      case 'progress':
        return listener.onProgress(said.run, said.value);
      case 'log':
        return listener.onLog(said.lines, thread.threadId);
      case 'refused':
        return this.#takeBack(thread, said.run);
      case 'spawned':
        return thread.processes.add(said.pid);
      case 'exited':
        return thread.processes.delete(said.pid);
      case 'doomed':
        // It ends by itself once its other runs have, if they can.
        thread.isCondemned = true;
        thread.doom = said;
        return listener.onDoomed(said, thread.threadId);
      case 'enqueue':
        return listener.onEnqueue({
          run: said.run,
          items: said.items,
          reply: (answers) => thread.tell({ kind: 'enqueued', call: said.call, answers }),
        });
    }
  }

  #begin(thread: ThreadRecord, run: number, atWallMs: number): void {
    const record = this.#handover.get(run);
    if (record?.thread !== thread) return;
    this.#handover.begin(record);
    this.#listener?.onBegun(run, thread.threadId, atWallMs);
  }

  #finish(thread: ThreadRecord, { run, outcome }: Outcome): void {
    const record = this.#handover.get(run);
    if (record?.thread !== thread) return;
    const endsThread = outcome.kind === 'threw' && ENDS_THREAD.has(outcome.failure);
    // Its doom is the next message: until then the thread would be given a run that it never begins.
    if (endsThread) thread.isCondemned = true;
    this.#handover.release(record, endsThread);
    thread.runsDone += 1;
    this.#endIfRetired(thread);
    // Before anything else is done about the outcome: the thread has nothing to do.
    this.#handover.handOn();
    this.#listener?.onOutcome(run, outcome);
  }

  /** A thread that refuses one run has begun or will refuse every other: all go elsewhere, so that their order stays. */
  #takeBack(thread: ThreadRecord, run: number): void {
    thread.isCondemned = true;
    if (this.#handover.get(run)?.thread !== thread) return;
    const refused = [...thread.runs].filter(({ hasBegun }) => !hasBegun);
    for (const record of refused) this.#handover.release(record);
    this.#putBack(refused, new Error('its thread is about to end'));
    this.#handover.handOn();
  }

  #onExit(thread: ThreadRecord, error: Error): void {
    this.#drain(thread);
    this.#endProcesses(thread);
    const { wasTerminated, doom } = thread;
    const end = { error, begun: thread.begunRuns(), wasTerminated, doom };
    const left = this.#handover.releaseAll(thread);
    const isBegun = ({ run }: RunRecord): boolean => end.begun.has(run);
    this.#putBack(
      left.filter((record) => !isBegun(record)),
      error,
    );
    // At the end of the pool nothing is told of them, see `destroy`.
    for (const { run } of this.#crew.isUp ? left.filter(isBegun) : []) {
      this.#listener?.onDied(run, deathOf(run, end));
    }
    this.#listener?.onThreadExit(thread.threadId);
    this.#handover.handOn();
  }

  /** Runs that no thread has begun wait for another one; those that cannot, and all at the end of the pool, are told. */
  #putBack(records: readonly RunRecord[], error: Error): void {
    const lost = this.#crew.isUp ? this.#handover.putBack(records) : records;
    for (const { run } of lost) this.#tellUnbegun(run, error);
  }

  #tellUnbegun(run: number, error: Error): void {
    const nothing = { begun: new Set<number>(), wasTerminated: false, doom: undefined };
    this.#listener?.onDied(run, deathOf(run, { error, ...nothing }));
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
    await thread.forbidProcesses();
    this.#drain(thread);
    await thread.processes.end(() => this.#drain(thread));
    await terminateWorker(thread.worker);
  }

  #drain(thread: ThreadRecord): void {
    thread.drain((said) => this.#hear(thread, said));
  }

  #countThreads(isCounted: (thread: ThreadRecord) => boolean): number {
    let count = 0;
    for (const thread of this.#crew.threads.values()) if (isCounted(thread)) count += 1;
    return count;
  }
}
