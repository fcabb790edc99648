/**
 * All that crosses the border between supervisor and child processes: plain data, by the IPC channel. No message is
 * sent per task: which tasks a child holds stands in Redis, which of them have begun in its journal.
 */
import type { CommandInput } from '../config.ts';
import type { MetricsRecord } from '../metrics/aggregate.ts';
import type { HealthFacts } from '../policy/health.ts';
import type { StuckReason } from '../policy/stop-reason.ts';
import type { Suspect } from '../runtime/supervised.ts';
import type { HandlerReport } from '../threads/messages.ts';

/** File descriptor of the journal in the child: the one after those of standard streams and channel. */
export const JOURNAL_FD = 4;

/** How often a child gives a sign of life. */
export const BEAT_MS = 2_000;

/** The first message to a child: what it is to be. Secrets travel here, never in arguments or the environment. */
export interface Begin {
  readonly kind: 'begin';
  /** The child resolves the same settings as the supervisor: config files may hold functions. */
  readonly input: Omit<CommandInput, 'env'>;
  /** The private Redis, if there is one. */
  readonly redisUrl?: string;
  /** It takes nothing from queues and runs one suspect at a time. */
  readonly isSolitary: boolean;
}

/** A task that is named to the supervisor. */
export interface NamedTask {
  readonly queue: string;
  readonly taskId: string;
}

/** Supervisor -> child. */
export type ToChild =
  | Begin
  /** End in order, within the time for that. */
  | { readonly kind: 'shutdown' }
  /** Pull no more tasks. */
  | { readonly kind: 'pause' }
  /** Pull no more, finish what runs however long it takes, then end. */
  | { readonly kind: 'retire' }
  | { readonly kind: 'scrape'; readonly call: number }
  /** Say at once what you are doing: a beat, then the answer. */
  | { readonly kind: 'probe'; readonly call: number }
  | { readonly kind: 'adopt'; readonly call: number; readonly suspect: Suspect }
  | { readonly kind: 'isolated'; readonly call: number; readonly isTaken: boolean };

/** Child -> supervisor. Each is a sign of life. */
export type FromChild =
  /** Its server is made, and about to start. `serverId` owns its leases, `address` names it in the fleet. */
  | { readonly kind: 'hello'; readonly serverId: string; readonly address: string }
  | { readonly kind: 'ready'; readonly handlers: readonly HandlerReport[] }
  /** It could not start, and ends: the error as people are to see it. */
  | { readonly kind: 'startFailed'; readonly text: string; readonly exitCode: number }
  | {
      readonly kind: 'beat';
      readonly facts: HealthFacts | undefined;
      readonly rssBytes: number;
      /** Attempts that ended, whatever came of them. */
      readonly tasksDone: number;
    }
  /** Its first task that succeeded; once. */
  | { readonly kind: 'firstDone' }
  /** Threads that could not be ended: kill this process. */
  | {
      readonly kind: 'stuck';
      readonly tasks: readonly (NamedTask & { readonly reason: StuckReason })[];
      readonly metrics?: MetricsRecord;
    }
  | { readonly kind: 'isolate'; readonly call: number; readonly suspect: Suspect }
  | { readonly kind: 'adopted'; readonly call: number; readonly isTaken: boolean }
  /** The solitary child has done with the suspect. */
  | { readonly kind: 'idle' }
  | { readonly kind: 'probed'; readonly call: number }
  | { readonly kind: 'metrics'; readonly call: number; readonly metrics: MetricsRecord }
  /** Its server has shut down; the process ends now. */
  | { readonly kind: 'ended'; readonly metrics: MetricsRecord };
