/**
 * Enqueues the task of one tick, once: the script that stores the task also notes the tick beside the queue, as the number
 * of a named call, and refuses one that is not greater. So a tick that comes twice, from a leader that was frozen or a
 * reply that was lost, stores nothing the second time, even if the task has been run and deleted meanwhile.
 */
import type { Broker } from '../broker/broker.ts';
import type { Enqueuer } from '../enqueuer.ts';
import {
  DuplicateTaskError,
  EnqueueUncertainError,
  RedisReplyError,
  RedisUnreachableError,
  ReplyLostError,
  TaskIdConflictError,
  toError,
} from '../errors.ts';
import type { CheckedEntry } from '../policy/schedule-entry.ts';
import { tickTaskId } from '../policy/schedule.ts';
import type { TaskInfo } from '../task.ts';
import { encodeSchedulerEnqueueEvent } from '../wire/scheduler-entry.ts';
import type { EntryState } from './entry-state.ts';
import type { SchedulerEmitter } from './events.ts';

/** What it works with. */
export interface TickEnqueuerOptions {
  readonly broker: Pick<Broker, 'noteEnqueue'>;
  readonly enqueuer: Pick<Enqueuer, 'enqueueAs'>;
  readonly emitter: SchedulerEmitter;
  /** Redis's clock in milliseconds since 1970; never ahead of it. */
  now(): number;
}

/** How long the mark of an entry's last tick stays beside the queue, in seconds. A leader frozen for longer is not refused. */
const MARK_SECONDS = 90 * 86_400;
/** How long the history of an entry stays after its last event, at least (D16). */
const HISTORY_SECONDS = 90 * 86_400;

/** Our clock and Redis's may drift apart by so much between two claims. */
const CLOCK_SLACK_MS = 5;

/** `enqueued` and `skipped`: the tick is done with. `later`: it is to be tried again. */
export type TickOutcome = 'enqueued' | 'skipped' | 'later';

/** Enqueues ticks. */
export class TickEnqueuer {
  readonly #options: TickEnqueuerOptions;
  /** Ticks that failed and are tried again: which, and when they were tried first. */
  readonly #failing = new Map<string, { readonly tickMs: number; readonly beganMs: number }>();

  constructor(options: TickEnqueuerOptions) {
    this.#options = options;
  }

  async enqueue({ entry, ref }: EntryState, tickMs: number): Promise<TickOutcome> {
    const { emitter } = this.#options;
    const beganMs = this.#beganMs(entry.id, tickMs);
    const taskId = tickTaskId(entry.id, tickMs);
    const tick = new Date(tickMs);
    try {
      const info = await this.#send(entry, taskId, tickMs);
      this.#failing.delete(entry.id);
      const at = info.state === 'pending' ? (info.nextProcessAt?.getTime() ?? beganMs) : beganMs;
      await this.#note(entry, taskId, at);
      // An answer that is older than the question was given to another leader, which has told of it.
      if (at >= beganMs - CLOCK_SLACK_MS) emitter.emit('enqueued', { entry: ref, tick, taskId });
      return 'enqueued';
    } catch (error) {
      if (isDone(error)) return 'enqueued';
      if (isPassing(error)) {
        this.#fail(entry.id, { tickMs, beganMs }, error);
        return 'later';
      }
      emitter.emit('skipped', { entry: ref, tick, error: toError(error) });
      return 'skipped';
    }
  }

  #send(entry: CheckedEntry, taskId: string, tickMs: number): Promise<TaskInfo> {
    const name = {
      caller: `schedule:${entry.id}`,
      slot: 0,
      number: tickMs / 1000,
      keptSeconds: MARK_SECONDS,
    };
    return this.#options.enqueuer.enqueueAs(name, entry.task, { ...entry.options, taskId });
  }

  /** The tick is done whatever becomes of this. Bytes that are there already change nothing. */
  async #note(entry: CheckedEntry, taskId: string, at: number): Promise<void> {
    const nextMs = entry.ticks.nextAfter(at) ?? at;
    const ttlSeconds = Math.max(HISTORY_SECONDS, Math.ceil((2 * (nextMs - at)) / 1000));
    const event = encodeSchedulerEnqueueEvent({ taskId, enqueuedAt: at });
    try {
      await this.#options.broker.noteEnqueue({ entryId: entry.id, at, event, ttlSeconds });
    } catch (error) {
      this.#options.emitter.fault('history of a schedule entry', error);
    }
  }

  #beganMs(entryId: string, tickMs: number): number {
    const failed = this.#failing.get(entryId);
    return failed?.tickMs === tickMs ? failed.beganMs : this.#options.now();
  }

  /** Told once per tick: it is tried again twice a second. */
  #fail(entryId: string, attempt: { tickMs: number; beganMs: number }, error: unknown): void {
    if (this.#failing.get(entryId)?.tickMs === attempt.tickMs) return;
    this.#failing.set(entryId, attempt);
    this.#options.emitter.fault('enqueue of a tick', error);
  }
}

/** The tick has its task: it is there, or a later tick of the entry was enqueued already. */
function isDone(error: unknown): boolean {
  if (error instanceof TaskIdConflictError) return true;
  return error instanceof RedisReplyError && error.reply.startsWith('STALE');
}

/** Redis is away or refuses to write now; another try may succeed. */
function isPassing(error: unknown): boolean {
  if (error instanceof DuplicateTaskError) return false;
  return (
    error instanceof RedisUnreachableError ||
    error instanceof EnqueueUncertainError ||
    error instanceof ReplyLostError ||
    error instanceof RedisReplyError
  );
}
