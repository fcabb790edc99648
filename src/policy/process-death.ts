/** Decides what the death of a child process means for each task it held. */
import type { StopReason } from '../threads/messages.ts';
import type { RunDeath } from './settlement.ts';
import type { StuckReason } from './stop-reason.ts';

/** What is known of the process when it is dead. Tasks by their `journalKey`. */
export interface DeathFacts {
  /**
   * `died`: by itself, or by a signal of somebody else; `stuck`: it was killed as a task could not be stopped;
   * `shutdown`: it ended when it was told to, or was killed when the time for that was over.
   */
  readonly cause: 'died' | 'stuck' | 'shutdown';
  /** Tasks whose code could not be stopped, with why they were to stop. */
  readonly stuck: ReadonlyMap<string, StuckReason>;
  /** Tasks that threads were running, by the journal. */
  readonly begun: ReadonlySet<string>;
}

/** What becomes of one task: ended as one that was stopped, or as one whose process died. */
export type TaskFate =
  | { readonly kind: 'stopped'; readonly reason: StopReason }
  | { readonly kind: 'died'; readonly death: RunDeath };

/** The fate of one task. Every begun one counts as a possible culprit, also those that are not held any more. */
export function fateOf(key: string, { cause, stuck, begun }: DeathFacts): TaskFate {
  const reason = stuck.get(key);
  if (reason === 'suspect') return died('together');
  if (reason !== undefined) return { kind: 'stopped', reason };
  if (cause === 'shutdown') return { kind: 'stopped', reason: 'shutdown' };
  if (cause === 'stuck' || !begun.has(key)) return died('bystander');
  return died(begun.size === 1 ? 'alone' : 'together');
}

function died(kind: RunDeath['kind']): TaskFate {
  return { kind: 'died', death: { kind, of: 'process' } };
}

/** How a process ended, as Node tells it. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

/** What often lies behind a signal: V8 aborts when the heap is full, the kernel kills when the machine's memory is. */
const HINTS: Readonly<Record<string, string>> = {
  SIGABRT: ' (out of memory?)',
  SIGTRAP: ' (out of memory?)',
  SIGKILL: ' (out of memory?)',
  SIGSEGV: ' (a crash of native code)',
  SIGBUS: ' (a crash of native code)',
  SIGILL: ' (a crash of native code)',
};

/** The end in words: `killed by SIGABRT (out of memory?)`, `exit code 7`. */
export function describeEnd({ code, signal }: ProcessEnd): string {
  if (signal !== null) return `killed by ${signal}${HINTS[signal] ?? ''}`;
  return code === null ? 'it could not be started' : `exit code ${code}`;
}
