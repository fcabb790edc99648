/** What a server asks of Redis when an attempt has ended, its own or that of a lost server. */
import type { StampedMessage } from '../../wire/task-message.ts';
import type { AttemptOutcome } from '../../task-records.ts';
import type { AttemptPlace } from '../../wire/task-records.ts';
import type { BegunRun, ReportChange } from './leasing.ts';

/** One transition of one active task. The message of `complete`, `retry` and `archive` gets its instant in the script. */
export type Settlement =
  | { readonly kind: 'done'; readonly id: string; readonly uniqueKey: string }
  | {
      readonly kind: 'complete';
      readonly id: string;
      readonly uniqueKey: string;
      readonly message: StampedMessage;
      readonly retentionSeconds: number;
      readonly result?: Uint8Array;
    }
  | {
      readonly kind: 'retry';
      readonly id: string;
      readonly message: StampedMessage;
      readonly delayMs: number;
      /** Whether the counters `processed` and `failed` grow. */
      readonly counts: boolean;
      readonly mark?: DeathMark;
    }
  | {
      readonly kind: 'archive';
      readonly id: string;
      readonly message: StampedMessage;
      readonly mark?: DeathMark;
    }
  | { readonly kind: 'requeue'; readonly id: string; readonly mark?: DeathMark | 'return' };

/**
 * What the end of an attempt leaves beside the task, kept over retries and removed by success. `crash`: one more death
 * of what ran it alone; `suspect`: what ran it beside others died. A requeue may also leave `return`: it was recovered
 * before it was noted as begun.
 */
export type DeathMark = 'crash' | 'suspect';

/**
 * An attempt that has ended, for the history of a task that is kept; `done` deletes it. Thread and server are those that
 * were noted when it began, if `runMs` is absent and something was noted.
 */
export interface EndedAttempt extends AttemptPlace {
  readonly outcome: AttemptOutcome;
  /** Cut to about 1 KiB. */
  readonly error?: string;
  /** How long it ran, in milliseconds. Absent: since the note of its beginning; 0 where there is none. */
  readonly runMs?: number;
  /** Milliseconds since its end. Default 0. */
  readonly agoMs?: number;
  readonly report?: ReportChange;
}

/** Transitions of tasks that one server holds; its name is that in their tokens. */
export interface SettleCall {
  readonly queue: string;
  readonly server: string;
  readonly settlements: readonly RunSettlement[];
  /** Other runs of this server that have begun since it was noted last. */
  readonly begun?: readonly BegunRun[];
}

/** The transition of one run. */
export interface RunSettlement {
  readonly run: number;
  readonly settlement: Settlement;
  readonly attempt?: EndedAttempt | undefined;
}

/** `lost`: the task was not that run's any more (recovered, deleted); nothing was written. */
export type SettleReply = 'settled' | 'lost';

/** A run whose task nobody holds any more, as the recoverer finds it. */
export interface LostRun {
  readonly id: string;
  /** What stands beside it, if anything. For expired leases only a token that holds: none is Go's. */
  readonly token: string | undefined;
  /** By its token's owner. */
  readonly hasBegun: boolean;
  /** How often in a row it was recovered unbegun. */
  readonly returns: number;
}

/** With its message, if the task has one. */
export interface LostTask extends LostRun {
  readonly message: Uint8Array | undefined;
}

/** A recoverer's transition, written only if the task is found as it was listed. */
export interface Recovery {
  readonly token: string | undefined;
  readonly settlement: Settlement;
  readonly attempt?: EndedAttempt;
}
