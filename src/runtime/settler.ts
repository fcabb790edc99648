/**
 * Writes outcomes back: what finishes close together shares a round trip, and what Redis did not take is repeated
 * (protocol 16.7). Also beyond the end of its lease: the script writes only while nobody has recovered the task, and an
 * outcome that came in time is worth more than a second run.
 *
 * What waits is a record, not a closure: it can be counted, looked at and given up.
 */
import type {
  Broker,
  EndedAttempt,
  RunSettlement,
  SettleReply,
  Settlement,
} from '../broker/broker.ts';
import { RedisUnreachableError } from '../errors.ts';
import type { Clock } from '../clock.ts';
import type { BegunNotes } from './begun-notes.ts';
import { sizeOfChange } from './run-report.ts';
import type { Service } from './service.ts';

/** One transition on its way. */
export interface SettlementRecord {
  readonly queue: string;
  readonly run: number;
  readonly settlement: Settlement;
  readonly leaseEndsMonotonicMs: number;
  /** Counted from when it is handed over. */
  readonly attempt?: EndedAttempt | undefined;
  /** `lost` also when it was given up before Redis took it. */
  onSettled(reply: SettleReply): void;
}

/** A record that is not settled yet. It is wrapped, not copied: one passes here for every task. */
interface Waiting {
  readonly record: SettlementRecord;
  readonly sinceMonotonicMs: number;
  /** Sent before without a reply: it may have been applied, so that "not ours" may mean that it is done. */
  isRepeat: boolean;
}

/** What waits to be sent, per queue. Kept: emptying a `Map` again and again would cost more (see `RunTable`). */
interface Line {
  readonly queue: string;
  waiting: Waiting[];
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

/**
 * One script takes so many transitions at most, as many as a lease brings, and about so many bytes, so that it never holds
 * Redis for long.
 */
const MAX_BATCH = 128;
const MAX_BATCH_BYTES = 1_048_576;
/**
 * What ends so soon after the last script waits until that time is over, to share a script with what else ends meanwhile;
 * what ends later, as in a server that is not busy, waits for nothing but its turn of the loop. A script costs about as much
 * as ten transitions in it, and two threads end four tasks of a millisecond in that time. What a process that dies has not
 * written is run again: these two beside those of the round trip, and the up to 40 before a busy thread is looked at.
 */
const GATHER_MS = 2;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;
/** So long after its lease an outcome is kept. By then whoever is back first has recovered the task. */
const KEPT_AFTER_LEASE_MS = 300_000;

/** Gathers and writes transitions. `stop` waits until all are written or given up. */
export class Settler implements Service {
  readonly name = 'settler';
  readonly #options: SettlerOptions;
  readonly #lines = new Map<string, Line>();
  #waiting = 0;
  #flights = 0;
  /** Whom the end of the last flight is told. */
  #onLanded: (() => void)[] = [];
  #flush: NodeJS.Immediate | undefined;
  #gathering: NodeJS.Timeout | undefined;
  #sentMonotonicMs = Number.NEGATIVE_INFINITY;
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
    while (this.#flights > 0 || this.#waiting > 0) {
      this.#send();
      await this.#landed();
    }
  }

  /** Hands over one transition. */
  settle(record: SettlementRecord): void {
    const sinceMonotonicMs = this.#options.clock.monotonicMs();
    const { waiting } = this.#lineOf(record.queue);
    waiting.push({ record, sinceMonotonicMs, isRepeat: false });
    this.#waiting += 1;
    if (this.#flush === undefined) this.#schedule(waiting.length, sinceMonotonicMs);
  }

  #lineOf(queue: string): Line {
    const known = this.#lines.get(queue);
    if (known !== undefined) return known;
    const line = { queue, waiting: [] };
    this.#lines.set(queue, line);
    return line;
  }

  #schedule(waiting: number, now: number): void {
    const isBusy = now - this.#sentMonotonicMs < GATHER_MS;
    // One turn of the loop gathers all outcomes that arrive in it, also in a server that is not busy.
    if (!isBusy || waiting >= MAX_BATCH) this.#flush = setImmediate(() => this.#send());
    else this.#gathering ??= setTimeout(() => this.#send(), GATHER_MS);
  }

  #send(): void {
    clearImmediate(this.#flush);
    clearTimeout(this.#gathering);
    this.#flush = undefined;
    this.#gathering = undefined;
    if (this.#waiting === 0) return;
    this.#sentMonotonicMs = this.#options.clock.monotonicMs();
    for (const line of this.#lines.values()) {
      if (line.waiting.length > 0) this.#sendLine(line);
    }
  }

  #sendLine(line: Line): void {
    const { queue, waiting } = line;
    line.waiting = [];
    this.#waiting -= waiting.length;
    for (const batch of inBatches(waiting)) {
      this.#flights += 1;
      void this.#deliver(queue, batch).finally(() => this.#land());
    }
  }

  #land(): void {
    this.#flights -= 1;
    if (this.#flights > 0) return;
    for (const resolve of this.#onLanded.splice(0)) resolve();
  }

  /** Resolves when nothing is on its way any more. */
  #landed(): Promise<void> {
    if (this.#flights === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onLanded.push(resolve);
    });
  }

  async #deliver(queue: string, batch: Waiting[]): Promise<void> {
    let left = batch;
    let pauseMs = FIRST_PAUSE_MS;
    for (;;) {
      left = this.#giveUpLate(left);
      if (left.length === 0) return;
      try {
        const replies = await this.#write(queue, left);
        await this.#concludeAll(left, replies);
        return;
      } catch (error) {
        this.#options.onFault('settle', error);
        // Only what was sent can have been applied without our seeing the reply.
        const wasSent = !(error instanceof RedisUnreachableError);
        for (const waiting of left) waiting.isRepeat ||= wasSent;
      }
      await pause(pauseMs);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }

  async #write(queue: string, batch: readonly Waiting[]): Promise<SettleReply[]> {
    const { broker, clock, serverName: server, notes } = this.#options;
    const begun = notes.dueIn(queue);
    const now = clock.monotonicMs();
    const settlements = batch.map((waiting) => toSettle(waiting, now));
    const replies = await broker.settle({ queue, server, settlements, begun });
    notes.noted(begun);
    return replies;
  }

  /** No promise for each: nearly always there is nothing to be waited for. */
  async #concludeAll(batch: readonly Waiting[], replies: readonly SettleReply[]): Promise<void> {
    const doubtful: Waiting[] = [];
    batch.forEach((waiting, index) => {
      if (replies[index] === 'settled') waiting.record.onSettled('settled');
      else if (waiting.isRepeat) doubtful.push(waiting);
      else waiting.record.onSettled('lost');
    });
    await Promise.all(doubtful.map(({ record }) => this.#concludeDoubtful(record)));
  }

  async #concludeDoubtful(record: SettlementRecord): Promise<void> {
    record.onSettled((await this.#wasApplied(record)) ? 'settled' : 'lost');
  }

  /**
   * Whether an earlier try did it, whose reply was lost: then the task is not active any more. One that is was recovered,
   * and whoever runs it decides. A task that our own retry or requeue let begin again looks the same; that is rare, and
   * only the events are wrong then.
   */
  async #wasApplied({ queue, settlement }: SettlementRecord): Promise<boolean> {
    try {
      const task = await this.#options.broker.getTask(queue, settlement.id);
      return task?.state !== 'active';
    } catch (error) {
      this.#options.onFault('settle', error);
      return true;
    }
  }

  #giveUpLate(batch: Waiting[]): Waiting[] {
    const now = this.#options.clock.monotonicMs();
    const isGivenUp = this.#giveUp?.aborted === true;
    const isLate = ({ record }: Waiting): boolean =>
      isGivenUp || record.leaseEndsMonotonicMs + KEPT_AFTER_LEASE_MS <= now;
    if (!batch.some(isLate)) return batch;
    for (const waiting of batch) if (isLate(waiting)) waiting.record.onSettled('lost');
    return batch.filter((waiting) => !isLate(waiting));
  }
}

/** Redis knows the time of the attempt's end only by how long ago it was: an outage may have held it up. */
function toSettle({ record, sinceMonotonicMs }: Waiting, now: number): RunSettlement {
  const { run, settlement, attempt } = record;
  if (attempt === undefined) return record;
  return { run, settlement, attempt: { ...attempt, agoMs: now - sinceMonotonicMs } };
}

function inBatches(waiting: readonly Waiting[]): Waiting[][] {
  const batches: Waiting[][] = [];
  let current: Waiting[] = [];
  let bytes = 0;
  for (const each of waiting) {
    const size =
      settlementBytes(each.record.settlement) + sizeOfChange(each.record.attempt?.report);
    if (current.length > 0 && (current.length >= MAX_BATCH || bytes + size > MAX_BATCH_BYTES)) {
      batches.push(current);
      current = [];
      bytes = 0;
    }
    current.push(each);
    bytes += size;
  }
  if (current.length > 0) batches.push(current);
  return batches;
}

function settlementBytes(settlement: Settlement): number {
  if (settlement.kind === 'done') return 0;
  const message = 'message' in settlement ? settlement.message : undefined;
  const result = settlement.kind === 'complete' ? settlement.result : undefined;
  return (message?.head.length ?? 0) + (message?.tail.length ?? 0) + (result?.length ?? 0);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
