/**
 * Shows the entries that this scheduler leads to the fleet's tools (protocol 12.5 and 12.6): of several schedulers only the
 * leader of an entry lists it, so that it stands there once.
 */
import type { Broker } from '../broker/broker.ts';
import { encodeSchedulerEntry } from '../wire/scheduler-entry.ts';
import type { EntryState } from './entry-state.ts';
import type { SchedulerEmitter } from './events.ts';

/** What it works with. */
export interface ScheduleListOptions {
  readonly broker: Pick<Broker, 'listSchedule' | 'unlistSchedule'>;
  readonly emitter: SchedulerEmitter;
  readonly scheduler: string;
}

/** As often as asynq writes it; it stays twice as long. */
const SHOW_MS = 10_000;
/** After a change the list is written anew, but not more often; a long one, in which something changes all the time, less. */
const CHANGE_MS = 1_000;
const CHANGE_MS_PER_ENTRY = 10;
/** Larger payloads are listed without: asynq's tools show a few hundred characters. Bytes. */
const SHOWN_PAYLOAD_BYTES = 65_536;

/** Writes the list when it is time, or when it has changed. */
export class ScheduleList {
  readonly #options: ScheduleListOptions;
  #shownMonotonicMs = Number.NEGATIVE_INFINITY;
  #shown = '';

  constructor(options: ScheduleListOptions) {
    this.#options = options;
  }

  /** To be called in every pass, with the entries that are led. Never rejects. */
  async show(led: readonly EntryState[]): Promise<void> {
    const listed = led.filter(({ nextTickMs }) => nextTickMs !== undefined);
    const ids = listed.map(({ entry, nextTickMs }) => `${entry.id} ${nextTickMs}`).join();
    const age = performance.now() - this.#shownMonotonicMs;
    const changeMs = Math.min(SHOW_MS, CHANGE_MS + listed.length * CHANGE_MS_PER_ENTRY);
    if (age < (ids === this.#shown ? SHOW_MS : changeMs)) return;
    if (listed.length === 0 && this.#shown === '') return;
    const { broker, emitter, scheduler } = this.#options;
    try {
      if (listed.length === 0) await broker.unlistSchedule(scheduler);
      else {
        const ttlSeconds = (2 * SHOW_MS) / 1000;
        await broker.listSchedule({ scheduler, ttlSeconds, entries: listed.map(encode) });
      }
      this.#shown = ids;
    } catch (error) {
      if (age > SHOW_MS) emitter.fault('list of schedule entries', error);
    }
    this.#shownMonotonicMs = performance.now();
  }

  /** Takes the list away. The histories stay: another scheduler may go on, and they end by themselves. */
  async clear(): Promise<void> {
    if (this.#shown !== '') await this.#options.broker.unlistSchedule(this.#options.scheduler);
  }
}

function encode({ entry, nextTickMs, previousTickMs }: EntryState): Uint8Array {
  const isShown = entry.payload.byteLength <= SHOWN_PAYLOAD_BYTES;
  return encodeSchedulerEntry({
    id: entry.id,
    spec: entry.spec,
    taskType: entry.task.type,
    taskPayload: isShown ? entry.payload : new Uint8Array(),
    enqueueOptions: [...entry.optionStrings],
    nextEnqueueAt: nextTickMs ?? 0,
    prevEnqueueAt: previousTickMs,
  });
}
