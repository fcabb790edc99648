/**
 * Aggregates groups: looks which are due, makes one task of each in a thread of the pool, and stores it in place of the
 * group's tasks (protocol 11.5 and 16.9).
 *
 *     due -> has a slot -> staged and read -> runs in a thread -> closed
 *                                                         \--> given back, and left alone for a while
 *
 * It takes its slots before it takes tasks: a busy pool gives it the next one that is free, while the group goes on to
 * grow. Groups for whose names there is no aggregator are not touched; another server may have one.
 */
import type { Broker, CloseReply } from '../broker/broker.ts';
import type { Clock } from '../clock.ts';
import { refusalError } from '../enqueuer.ts';
import { toError } from '../errors.ts';
import {
  groupPauseMs,
  type GroupRules,
  groupTickMs,
  mostAggregations,
} from '../policy/group-rules.ts';
import type { PreparedTask } from '../policy/enqueue-options.ts';
import { stopError } from '../policy/stop-reason.ts';
import type { GroupRef } from '../task.ts';
import type { EnqueueItem, HandlerReport } from '../threads/messages.ts';
import type { Registry } from '../threads/registry.ts';
import type { TaskMessage } from '../wire/task-message.ts';
import type { ActiveTasks } from './active-tasks.ts';
import type { EndedAggregation } from './aggregation-run.ts';
import { DueGroups } from './due-groups.ts';
import { every } from './every.ts';
import type { ServerEmitter } from './emitter.ts';
import type { ServerEvents } from './events.ts';
import type { FinishedRun } from './finisher.ts';
import type { Service } from './service.ts';
import { QuietQueues } from './quiet-queues.ts';
import type { HeldSet, StagedSets } from './staged-sets.ts';

/** What the aggregator works with. */
export interface AggregatorOptions {
  readonly broker: Pick<Broker, 'dueGroups' | 'watchQueues'>;
  readonly sets: StagedSets;
  readonly active: Pick<ActiveTasks, 'holdSlot' | 'occupied' | 'changed'>;
  readonly aggregators: Registry;
  readonly queues: readonly string[];
  readonly rules: GroupRules;
  readonly concurrency: number;
  readonly emitter: ServerEmitter;
  readonly clock: Clock;
  /** A UUID. */
  newId(): string;
  run(
    aggregator: HandlerReport,
    held: HeldSet,
    messages: readonly TaskMessage[],
  ): Promise<EndedAggregation>;
  /** What an aggregate function returned, ready to be stored. Throws what an enqueue call throws for it. */
  prepare(item: EnqueueItem, queue: string): PreparedTask;
  /** Whether a task is to run alone, so that nothing may run beside it. */
  isHeld(): boolean;
  onStored(): void;
}

/** A set whose tasks were given to a thread. */
interface Work {
  readonly group: GroupRef;
  readonly held: HeldSet;
  readonly messages: readonly TaskMessage[];
}

type FailedAggregation = ServerEvents['aggregationFailed'][0];

/** With one thread for both, a task that waits gets its turn within this time after an aggregation. Milliseconds. */
const TURN_MS = 100;

/** Aggregates groups of the configured queues. `stop` begins no more; `finished` waits for what has begun. */
export class Aggregator implements Service {
  readonly name = 'aggregator';
  readonly #options: AggregatorOptions;
  readonly #loop: Service;
  readonly #quiet: QuietQueues;
  readonly #due = new DueGroups();
  readonly #jobs = new Set<Promise<void>>();
  #isRunning = false;
  /** Aborts when those who wait are to give up: for a slot, or for Redis. */
  #end = new AbortController();
  /** Ends the wait for runs that will never be heard of: their code is stuck, and their threads were given up. */
  #abandon: () => void = () => undefined;
  readonly #abandoned = new Promise<undefined>((resolve) => {
    this.#abandon = () => resolve(undefined);
  });
  #isTasksTurn = false;

  constructor(options: AggregatorOptions) {
    const { emitter, rules } = options;
    this.#options = options;
    this.#quiet = new QuietQueues({ ...options, duty: 'aggregate' });
    this.#loop = every({
      name: this.name,
      intervalMs: groupTickMs(rules),
      isImmediate: true,
      run: () => this.#look(),
      onFault: (where, error) => emitter.fault(where, error),
    });
    emitter.on('started', () => {
      this.#isTasksTurn = false;
    });
  }

  async start(): Promise<void> {
    this.#isRunning = true;
    this.#end = new AbortController();
    await this.#loop.start();
  }

  /** What waits for a slot goes; what runs goes on. A look under way is not waited for: it changes nothing. */
  stop(): void {
    this.#isRunning = false;
    this.#due.clear();
    this.#end.abort();
    void this.#loop.stop();
  }

  /** Resolves when nothing of it runs. To be called when the threads have ended. */
  async finished(): Promise<void> {
    this.#abandon();
    await Promise.all([...this.#jobs, this.#loop.stop()]);
  }

  async #look(): Promise<void> {
    const due = await this.#quiet.due();
    await Promise.all(due.map((queue) => this.#lookAt(queue)));
  }

  async #lookAt(queue: string): Promise<void> {
    const { broker, rules, aggregators, clock } = this.#options;
    let from: string | undefined;
    do {
      const { groups, next } = await broker.dueGroups(queue, rules, from);
      if (!this.#isRunning) return;
      const ours = groups.filter((name) => aggregators.resolve(name) !== undefined);
      for (const name of ours) this.#due.add({ queue, name }, clock.monotonicMs());
      this.#begin();
      from = next;
    } while (from !== undefined && !this.#due.isFull);
  }

  /** As many jobs as there may be. None is waited for: a slow one holds up its own group only. */
  #begin(): void {
    const most = mostAggregations(this.#options.concurrency);
    while (this.#isRunning && this.#jobs.size < most) {
      const group = this.#due.take();
      if (group === undefined) return;
      const job = this.#work(group)
        .catch((error: unknown) => this.#options.emitter.fault(this.name, error))
        .finally(() => {
          this.#jobs.delete(job);
          this.#due.done(group);
          this.#begin();
        });
      this.#jobs.add(job);
    }
  }

  async #work(group: GroupRef): Promise<void> {
    const aggregator = this.#options.aggregators.resolve(group.name);
    if (aggregator === undefined) return;
    const release = await this.#takeSlot();
    try {
      const staged = this.#isRunning ? await this.#stage(group) : undefined;
      if (staged === undefined) return;
      const { held, messages } = staged;
      await this.#unlessAlone();
      if (!this.#isRunning || messages.length === 0) return await this.#options.sets.giveBack(held);
      const ended = this.#options.run(aggregator, held, messages);
      release(); // the run has taken a slot of its own, in the same turn
      const outcome = await Promise.race([ended, this.#abandoned]);
      if (outcome === undefined) return this.#options.sets.forget(held);
      await this.#finish({ group, held, messages }, outcome);
    } finally {
      release();
    }
  }

  /** The next slot that is free. Where one thread is all there is, tasks and aggregations take turns. */
  async #takeSlot(): Promise<() => void> {
    const { active, concurrency } = this.#options;
    if (this.#isTasksTurn && mostAggregations(concurrency) >= concurrency) {
      await this.#until(() => !this.#isTasksTurn, TURN_MS);
    }
    const release = active.holdSlot();
    await this.#until(() => active.occupied <= concurrency);
    return release;
  }

  /** A task that is to run alone goes first. */
  async #unlessAlone(): Promise<void> {
    await this.#until(() => !this.#options.isHeld());
  }

  /** Until it is so, at most so long, or until the stop. */
  async #until(isSo: () => boolean, limitMs?: number): Promise<void> {
    const { signal } = this.#end;
    const limit = new AbortController();
    const timer = limitMs === undefined ? undefined : setTimeout(() => limit.abort(), limitMs);
    const over = new Promise<void>((resolve) => {
      limit.signal.addEventListener('abort', () => resolve());
      signal.addEventListener('abort', () => resolve(), { signal: limit.signal });
    });
    while (!limit.signal.aborted && !signal.aborted && !isSo()) {
      await Promise.race([this.#options.active.changed(), over]);
    }
    clearTimeout(timer);
    limit.abort(); // takes the listener away, of which there would be one more with each call
  }

  async #stage(
    group: GroupRef,
  ): Promise<{ held: HeldSet; messages: readonly TaskMessage[] } | undefined> {
    const { sets, rules, newId } = this.#options;
    const set = { queue: group.queue, group: group.name, id: newId() };
    const staged = await sets.stage(set, rules);
    if (staged === undefined) return undefined;
    try {
      const { messages, isPart } = await sets.read(staged.held);
      // What is left is due as well, by most of the rules; one that it is not does no harm.
      if (isPart || staged.left > 0) this.#due.again(group);
      return { held: staged.held, messages };
    } catch (error) {
      await sets.giveBack(staged.held);
      throw error;
    }
  }

  async #finish(work: Work, ended: EndedAggregation): Promise<void> {
    this.#isTasksTurn = true;
    const { end, stop } = ended;
    if (stop === 'lease_lost') return this.#fail(work, ended, stopError(stop), stop);
    if (end.kind === 'returned') return this.#store(work, ended, end.task);
    if (stop === 'shutdown') return this.#options.sets.giveBack(work.held);
    if (stop !== undefined) return this.#fail(work, ended, stopError(stop), stop);
    return this.#fail(work, ended, end.error, ended.failure);
  }

  async #store(work: Work, ended: FinishedRun, item: EnqueueItem | undefined): Promise<void> {
    const { sets, prepare, emitter, onStored } = this.#options;
    const { group, held, messages } = work;
    try {
      const task = item === undefined ? undefined : prepare(item, group.queue);
      const reply = await sets.close(held, messages.length, task, this.#end.signal);
      if (reply.status === 'gone') {
        return this.#fail(work, ended, stopError('lease_lost'), 'lease_lost');
      }
      if (reply.status !== 'closed') throw refused(task, reply);
      this.#due.succeeded(group);
      const taskId = task?.taskId;
      const count = messages.length;
      emitter.emit('aggregated', { group, count, runMs: ended.runMs ?? 0, taskId });
      if (task !== undefined) onStored();
    } catch (error) {
      return this.#fail(work, ended, error, 'not_stored');
    }
    await sets.sweep(held, messages);
  }

  /** Back to the group, which is left alone for longer with every failure in a row: it must not keep a thread busy. */
  async #fail(
    { group, held, messages }: Work,
    { runMs }: FinishedRun,
    thrown: unknown,
    reason: FailedAggregation['reason'],
  ): Promise<void> {
    const { sets, clock, emitter } = this.#options;
    const pauseMs = groupPauseMs(this.#due.failed(group, clock.monotonicMs(), groupPauseMs));
    await sets.giveBack(held);
    emitter.emit('aggregationFailed', {
      group,
      count: messages.length,
      error: toError(thrown),
      runMs,
      reason,
      pauseMs,
    });
  }
}

function refused(task: PreparedTask | undefined, reply: CloseReply): Error {
  if (task === undefined || reply.status === 'closed' || reply.status === 'gone') {
    return new Error(`the set was not closed: ${reply.status}`);
  }
  return refusalError(task.message, reply);
}
