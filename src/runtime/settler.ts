/**
 * Writes outcomes back: what finishes close together shares a round trip, and what Redis did not take is repeated
 * (protocol 16.7). Also beyond the end of its lease: the script writes only while nobody has recovered the task, and an
 * outcome that came in time is worth more than a second run.
 *
 * What waits is a record, not a closure: it can be counted, looked at and given up.
 */
import type { Broker, SettleReply, Settlement } from '../broker/broker.ts';
import { RedisUnreachableError } from '../errors.ts';
import type { Clock } from '../clock.ts';
import type { BegunNotes } from './begun-notes.ts';
import type { Service } from './service.ts';

/** One transition on its way. */
export interface SettlementRecord {
  readonly queue: string;
  readonly run: number;
  readonly settlement: Settlement;
  readonly leaseEndsMonotonicMs: number;
  /** `lost` also when it was given up before Redis took it. */
  onSettled(reply: SettleReply): void;
}

interface Waiting extends SettlementRecord {
  /** Sent before without a reply: it may have been applied, so that "not ours" may mean that it is done. */
  isRepeat: boolean;
}

/** What the settler works with. */
export interface SettlerOptions {
  readonly broker: Pick<Broker, 'settle' | 'getTask'>;
  readonly clock: Clock;
  /** This server as its leases name it. */
  readonly serverName: string;
  /** What else is to be told to Redis of a queue. */
  readonly notes: Pick<BegunNotes, 'dueIn' | 'noted'>;
  onFault(where: string, error: unknown): void;
}

/** One script takes so many transitions at most, and about so many bytes, so that it never holds Redis for long. */
const MAX_BATCH = 100;
const MAX_BATCH_BYTES = 1_048_576;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;
/** So long after its lease an outcome is kept. By then whoever is back first has recovered the task. */
const KEPT_AFTER_LEASE_MS = 300_000;

/** Gathers and writes transitions. `stop` waits until all are written or given up. */
export class Settler implements Service {
  readonly name = 'settler';
  readonly #options: SettlerOptions;
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #flights = new Set<Promise<void>>();
  #flush: NodeJS.Immediate | undefined;
  #giveUp: AbortSignal | undefined;

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  start(): void {}

  /** Waits for everything handed over, until the signal aborts. */
  async stop(signal?: AbortSignal): Promise<void> {
    this.#giveUp = signal;
    await this.flushed();
  }

  /** Waits until everything handed over by now is written or given up. */
  async flushed(): Promise<void> {
    while (this.#flights.size > 0 || this.#flush !== undefined) {
      this.#send();
      await Promise.all(this.#flights);
    }
  }

  /** Hands over one transition. */
  settle(record: SettlementRecord): void {
    const waiting = this.#waiting.get(record.queue) ?? [];
    waiting.push({ ...record, isRepeat: false });
    this.#waiting.set(record.queue, waiting);
    // One turn of the loop gathers all outcomes that arrived in it.
    this.#flush ??= setImmediate(() => this.#send());
  }

  #send(): void {
    clearImmediate(this.#flush);
    this.#flush = undefined;
    for (const [queue, records] of this.#waiting) {
      for (const batch of inBatches(records)) {
        const flight = this.#deliver(queue, batch).finally(() => this.#flights.delete(flight));
        this.#flights.add(flight);
      }
    }
    this.#waiting.clear();
  }

  async #deliver(queue: string, batch: Waiting[]): Promise<void> {
    let left = batch;
    let pauseMs = FIRST_PAUSE_MS;
    for (;;) {
      left = this.#giveUpLate(left);
      if (left.length === 0) return;
      try {
        const replies = await this.#write(queue, left);
        await Promise.all(left.map((record, index) => this.#conclude(record, replies[index])));
        return;
      } catch (error) {
        this.#options.onFault('settle', error);
        // Only what was sent can have been applied without our seeing the reply.
        const wasSent = !(error instanceof RedisUnreachableError);
        for (const record of left) record.isRepeat ||= wasSent;
      }
      await pause(pauseMs);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }

  async #write(queue: string, batch: readonly Waiting[]): Promise<SettleReply[]> {
    const { broker, serverName: server, notes } = this.#options;
    const begun = notes.dueIn(queue);
    const replies = await broker.settle({ queue, server, settlements: batch, begun });
    notes.noted(begun);
    return replies;
  }

  async #conclude(record: Waiting, reply: SettleReply | undefined): Promise<void> {
    const isDone = reply === 'settled' || (record.isRepeat && (await this.#wasApplied(record)));
    record.onSettled(isDone ? 'settled' : 'lost');
  }

  /**
   * Whether an earlier try did it, whose reply was lost: then the task is not active any more. One that is was recovered,
   * and whoever runs it decides. A task that our own retry or requeue let begin again looks the same; that is rare, and
   * only the events are wrong then.
   */
  async #wasApplied({ queue, settlement }: Waiting): Promise<boolean> {
    try {
      const task = await this.#options.broker.getTask(queue, settlement.id);
      return task?.state !== 'active';
    } catch (error) {
      this.#options.onFault('settle', error);
      return true;
    }
  }

  #giveUpLate(records: Waiting[]): Waiting[] {
    const now = this.#options.clock.monotonicMs();
    const isGivenUp = this.#giveUp?.aborted === true;
    return records.filter((record) => {
      if (record.leaseEndsMonotonicMs + KEPT_AFTER_LEASE_MS > now && !isGivenUp) return true;
      record.onSettled('lost');
      return false;
    });
  }
}

function inBatches(records: readonly Waiting[]): Waiting[][] {
  const batches: Waiting[][] = [];
  let current: Waiting[] = [];
  let bytes = 0;
  for (const record of records) {
    const size = settlementBytes(record.settlement);
    if (current.length > 0 && (current.length >= MAX_BATCH || bytes + size > MAX_BATCH_BYTES)) {
      batches.push(current);
      current = [];
      bytes = 0;
    }
    current.push(record);
    bytes += size;
  }
  if (current.length > 0) batches.push(current);
  return batches;
}

function settlementBytes(settlement: Settlement): number {
  const message = 'message' in settlement ? settlement.message : undefined;
  const result = settlement.kind === 'complete' ? settlement.result : undefined;
  return (message?.head.length ?? 0) + (message?.tail.length ?? 0) + (result?.length ?? 0);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
