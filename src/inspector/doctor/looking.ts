/** What all looks of one diagnosis share: the broker, whether they mend, how they are stopped, and what they found. */
import type { Broker } from '../../broker/broker.ts';
import { RedisReplyError } from '../../errors.ts';
import {
  addTo,
  type CheckName,
  type Finding,
  NO_TALLY,
  type Tally,
  unknown,
} from '../../policy/doctor/finding.ts';
import {
  DAMAGES,
  type DamageName,
  judgeDamage,
  judgeNoDamage,
} from '../../policy/doctor/judge-queue.ts';

/** What the doctor needs of the broker. */
export type DoctorBroker = Pick<
  Broker,
  'check' | 'health' | 'queues' | 'unleased' | 'settleUnleased'
>;

/** How far a diagnosis is. */
export interface DoctorProgress {
  /** What is being looked at. */
  readonly step: 'redis' | 'fleet' | 'queue' | 'keys' | 'waiting';
  /** Which queue. */
  readonly queue?: string;
  /** Entries or keys looked at in this step. */
  readonly seen: number;
}

/** Thrown by the doctor to itself when it is to stop. */
export class StoppedError extends Error {}

/** The state of one diagnosis. */
export class Looking {
  readonly broker: DoctorBroker;
  readonly mends: boolean;
  readonly findings: Finding[] = [];
  readonly #signal: AbortSignal | undefined;
  readonly #onProgress: ((progress: DoctorProgress) => void) | undefined;
  readonly #tallies = new Map<DamageName, Map<string, Tally>>();
  readonly #refused = new Set<CheckName>();

  constructor(
    broker: DoctorBroker,
    options: {
      readonly fix?: boolean;
      readonly signal?: AbortSignal;
      readonly onProgress?: (progress: DoctorProgress) => void;
    },
  ) {
    this.broker = broker;
    this.mends = options.fix ?? false;
    this.#signal = options.signal;
    this.#onProgress = options.onProgress;
  }

  /** Between two steps: reports, and throws `StoppedError` when it is enough. */
  step(progress: DoctorProgress): void {
    this.#onProgress?.(progress);
    if (this.#signal?.aborted === true) throw new StoppedError('stopped');
  }

  /** Waits, unless it is stopped meanwhile. */
  async wait(ms: number): Promise<void> {
    this.step({ step: 'waiting', seen: 0 });
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#signal?.addEventListener(
        'abort',
        () => {
          clearTimeout(timer);
          resolve();
        },
        { once: true },
      );
    });
    this.step({ step: 'waiting', seen: 0 });
  }

  /** Notes damage of one kind. */
  note(check: DamageName, queue: string, names: readonly string[], mended = 0): void {
    if (names.length === 0 && mended === 0) return;
    const byQueue = this.#tallies.get(check) ?? new Map<string, Tally>();
    byQueue.set(queue, addTo(byQueue.get(queue) ?? NO_TALLY, names, mended));
    this.#tallies.set(check, byQueue);
  }

  /** Looks, if Redis lets it: a refusal becomes a finding of the first of these checks, and the others stay without one. */
  async attempt(
    checks: readonly [CheckName, ...CheckName[]],
    look: () => Promise<void>,
    where: Partial<Finding> = {},
  ): Promise<void> {
    try {
      await look();
    } catch (error) {
      if (!(error instanceof RedisReplyError)) throw error;
      for (const check of checks) this.#refused.add(check);
      this.findings.push(unknown(checks[0], error.message, where));
    }
  }

  /** Notes the verdicts on queues. `isComplete`: all have been looked at, so that what was not found is not there. */
  conclude(isComplete: boolean): void {
    for (const check of Object.keys(DAMAGES) as DamageName[]) {
      const tallies = [...(this.#tallies.get(check) ?? [])];
      const found = tallies.flatMap(([queue, tally]) => judgeDamage(check, queue, tally) ?? []);
      this.findings.push(...found);
      if (found.length === 0 && isComplete && !this.#refused.has(check)) {
        this.findings.push(judgeNoDamage(check));
      }
    }
  }
}

/** A list in parts of at most so many. */
export function inChunks<Item>(list: readonly Item[], size: number): Item[][] {
  const count = Math.ceil(list.length / size);
  return Array.from({ length: count }, (_, index) => list.slice(index * size, (index + 1) * size));
}
