/**
 * What becomes of a task when a run has ended: the rules of asynq's failure path (protocol 16.6), with Threadmill's
 * `RetryLater`, upper bounds of handlers and stopped runs. Pure: an end goes in, a decision comes out.
 */
import { CrashLimitError } from '../errors.ts';
import { stopError } from './stop-reason.ts';
import type { EnqueueItem, StopReason, Verdict } from '../threads/messages.ts';

/** Why an attempt that counts as neither success nor failure ended. */
export type RequeueReason =
  | 'shutdown'
  | 'retry_later'
  | 'not_failure'
  /** It cannot run now: another attempt of it has not ended here, or it is to run alone and another one does. */
  | 'put_off'
  /** It was leased ahead, and no slot became free for it soon. */
  | 'waited'
  /** Its thread or process ended because of another task. */
  | 'thread_died'
  | 'process_died'
  /** Its thread or process died while it ran several tasks, and nobody knows of which: it will run alone. */
  | 'suspect';

/** How a run ended. */
export type RunEnd =
  | {
      readonly kind: 'returned';
      readonly result?: Uint8Array;
      /** Of an aggregate function. */
      readonly task?: EnqueueItem;
    }
  | {
      readonly kind: 'threw';
      readonly verdict: Verdict;
      readonly error: Error;
      /** The handler's own answers, given in its thread. */
      readonly isFailure?: boolean;
      readonly retryDelayMs?: number;
    }
  /** The thread or process ended before the run did. */
  | { readonly kind: 'died'; readonly error: Error; readonly death: RunDeath };

/**
 * What the death of a thread or process means for one task in it:
 *
 * - `bystander`: it ended because of another task, or this one had not begun: nothing is spent;
 * - `alone`: it died by itself while it ran only this task: a crash of this task, which spends an attempt;
 * - `together`: it died by itself while it ran several: each becomes a suspect, nothing is spent.
 */
export interface RunDeath {
  readonly kind: 'bystander' | 'alone' | 'together';
  readonly of: 'thread' | 'process';
}

/** What the rules look at. */
export interface SettlementInput {
  readonly end: RunEnd;
  /** Set when the run was told to stop. */
  readonly stop: StopReason | undefined;
  readonly retried: number;
  /** The smaller of the message's and the handler's. */
  readonly maxRetry: number;
  /** Crashes before this end; at `maxCrashes` the task is archived, whatever retries it has left. */
  readonly crashes: number;
  readonly maxCrashes: number;
  readonly retentionSeconds: number;
  /** The server's `isFailure`, asked only where the handler gave no answer. */
  isFailure(error: Error): boolean;
  /** The server's delay, asked only where the handler gave none. Milliseconds. */
  retryDelay(error: Error): number;
}

/** What to do. */
export type Decision =
  | { readonly kind: 'done' }
  | { readonly kind: 'complete'; readonly result?: Uint8Array }
  | { readonly kind: 'revoke'; readonly error: Error }
  | {
      readonly kind: 'retry';
      readonly error: Error;
      readonly delayMs: number;
      /** `false`: no retry is spent and nothing is counted. */
      readonly counts: boolean;
      readonly reason: 'failure' | 'retry_later' | 'not_failure' | 'put_off';
      readonly mark?: 'crash';
    }
  | { readonly kind: 'archive'; readonly error: Error; readonly mark?: 'crash' }
  | { readonly kind: 'requeue'; readonly reason: RequeueReason; readonly mark?: 'suspect' }
  /** The lease is lost: whoever holds it now decides. Nothing is written. */
  | { readonly kind: 'drop'; readonly error: Error };

/** Applies the rules. */
export function decideSettlement(input: SettlementInput): Decision {
  const { end, stop } = input;
  if (end.kind === 'returned') return decideReturn(stop, input.retentionSeconds, end.result);
  if (stop === 'lease_lost') return drop(stop);
  if (end.kind === 'threw' && isObeyed(end.verdict, stop)) return obeyVerdict(input, end);
  if (stop === 'shutdown') return { kind: 'requeue', reason: 'shutdown' };
  if (stop !== undefined) return fail(input, stopError(stop), {});
  return end.kind === 'died' ? mourn(input, end) : fail(input, end.error, end);
}

/** The rules for a handler that has returned, which ask nobody anything: the way of nearly every task. */
export function decideReturn(
  stop: StopReason | undefined,
  retentionSeconds: number,
  result: Uint8Array | undefined,
): Decision {
  if (stop === 'lease_lost') return drop(stop);
  if (retentionSeconds <= 0) return DONE;
  return result === undefined ? { kind: 'complete' } : { kind: 'complete', result };
}

const DONE: Decision = { kind: 'done' };

function drop(stop: 'lease_lost'): Decision {
  return { kind: 'drop', error: stopError(stop) };
}

/** After a stop nothing but a result, SkipRetry and RevokeTask counts: RetryLater would undo a timeout for ever. */
function isObeyed(verdict: Verdict, stop: StopReason | undefined): boolean {
  if (verdict === 'retry_later') return stop === undefined || stop === 'shutdown';
  return verdict !== 'failure';
}

function mourn(input: SettlementInput, end: Extract<RunEnd, { kind: 'died' }>): Decision {
  const { kind, of } = end.death;
  switch (kind) {
    case 'bystander':
      return { kind: 'requeue', reason: of === 'thread' ? 'thread_died' : 'process_died' };
    case 'together':
      return { kind: 'requeue', reason: 'suspect', mark: 'suspect' };
    case 'alone':
      return { ...crash(input, end.error), mark: 'crash' };
  }
}

/** A task that keeps killing what runs it is put away early: each of its attempts costs others theirs. */
function crash(
  input: SettlementInput,
  error: Error,
): Extract<Decision, { kind: 'retry' | 'archive' }> {
  const crashes = input.crashes + 1;
  if (crashes < input.maxCrashes) return fail(input, error, {});
  return { kind: 'archive', error: new CrashLimitError(crashes, error) };
}

function obeyVerdict(input: SettlementInput, end: Extract<RunEnd, { kind: 'threw' }>): Decision {
  switch (end.verdict) {
    case 'revoke':
      return { kind: 'revoke', error: end.error };
    case 'retry_later':
      return {
        kind: 'retry',
        error: end.error,
        delayMs: end.retryDelayMs ?? input.retryDelay(end.error),
        counts: false,
        reason: 'retry_later',
      };
    case 'skip_retry':
    case 'invalid_payload':
      return { kind: 'archive', error: end.error };
    case 'failure':
      return fail(input, end.error, end);
  }
}

/**
 * Retries are counted before `isFailure` is asked, as in asynq 0.25 and later: with none left even an error that is no
 * failure archives the task, or it would be tried for ever.
 */
function fail(
  input: SettlementInput,
  error: Error,
  own: { readonly isFailure?: boolean; readonly retryDelayMs?: number },
): Extract<Decision, { kind: 'retry' | 'archive' }> {
  if (input.retried >= input.maxRetry) return { kind: 'archive', error };
  const counts = own.isFailure ?? input.isFailure(error);
  return {
    kind: 'retry',
    error,
    delayMs: own.retryDelayMs ?? input.retryDelay(error),
    counts,
    reason: counts ? 'failure' : 'not_failure',
  };
}
