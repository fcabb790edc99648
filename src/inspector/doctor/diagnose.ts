/** The doctor: looks at Redis, the fleet and every queue, says what is wrong, and mends what is safe if it is to. */
import type { Finding } from '../../policy/doctor/finding.ts';
import { giveBack } from './give-back.ts';
import { lookAtFleet, noteServed } from './look-at-fleet.ts';
import { lookAtKeys } from './look-at-keys.ts';
import { lookAtQueue, type QueueLook } from './look-at-queue.ts';
import { lookAtRedis } from './look-at-redis.ts';
import { type DoctorBroker, type DoctorProgress, Looking, StoppedError } from './looking.ts';

export type { CheckName, Finding, FindingStatus } from '../../policy/doctor/finding.ts';
export type { DoctorProgress } from './looking.ts';

/** Options of `diagnose`. */
export interface DiagnoseOptions {
  /**
   * Mends what is safe: IDs without hash leave their lists, leaked locks are released, group names and queues are listed
   * as they should be, entries of dead servers and stray leases go, active tasks without lease that nobody runs go back to
   * their queue. Every change looks once more, in the same step. Default false: nothing is changed.
   */
  readonly fix?: boolean;
  /** Stops between two steps; what was found until then is answered. */
  readonly signal?: AbortSignal;
  /** Called before each step. */
  readonly onProgress?: (progress: DoctorProgress) => void;
  /** Milliseconds between the two looks at active tasks without lease, when they are to be given back. Default 15 s. */
  readonly apartMs?: number;
}

/** What the doctor found. */
export interface Diagnosis {
  /** `problem` if any finding is; else `unknown` if anything could not be looked at; else `healthy`. */
  readonly status: 'healthy' | 'problem' | 'unknown';
  readonly findings: readonly Finding[];
  /** The signal stopped it before it was through. */
  readonly isStopped: boolean;
}

/**
 * Diagnoses Redis and all queues in it. Steps take Redis about a millisecond each, however many tasks there are. Rejects
 * as every call to Redis when that is away; what Redis refuses becomes a finding.
 */
export async function diagnose(
  broker: DoctorBroker,
  options: DiagnoseOptions = {},
): Promise<Diagnosis> {
  const looking = new Looking(broker, options);
  let isStopped = false;
  try {
    await look(looking, options.apartMs);
  } catch (error) {
    if (!(error instanceof StoppedError)) throw error;
    isStopped = true;
  }
  looking.conclude(!isStopped);
  const { findings } = looking;
  const has = (status: Finding['status']): boolean =>
    findings.some((each) => each.status === status);
  const status = has('problem') ? 'problem' : has('unknown') || isStopped ? 'unknown' : 'healthy';
  return { status, findings, isStopped };
}

async function look(looking: Looking, apartMs: number | undefined): Promise<void> {
  const queues = await looking.broker.queues();
  await lookAtRedis(looking, queues);
  const fleet = await lookAtFleet(looking);
  const looks = new Map<string, QueueLook | undefined>();
  const lookOf = async (queue: string): Promise<QueueLook | undefined> => {
    if (!looks.has(queue)) looks.set(queue, await lookAtQueue(looking, queue));
    return looks.get(queue);
  };
  for (const queue of queues) await lookOf(queue);
  await lookAtKeys(looking, queues, lookOf);
  const known = [...looks].flatMap(([queue, each]) =>
    each === undefined ? [] : [[queue, each] as const],
  );
  noteServed(looking, new Map(known.map(([queue, { waiting }]) => [queue, waiting])), fleet);
  if (looking.mends) {
    const unleased = known.filter(([, each]) => each.unleased.length > 0);
    await giveBack(
      looking,
      new Map(unleased.map(([queue, each]) => [queue, each.unleased])),
      fleet,
      apartMs,
    );
  }
}
