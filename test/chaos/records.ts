/**
 * The records of a run: one file to which every thread and process of the fleet, and the program itself, appends a line
 * at once for each thing that happens. What was appended survives any death. Instants are those of the machine's
 * monotonic clock, the same for all processes and free of clocks that are off; reading turns them into Redis TIME.
 */
import { openSync, writeSync } from 'node:fs';

/** How an execution ended by its own word. `dying`: it is about to end what runs it; `stopped`: it obeyed a stop. */
export type OwnEnd = 'ok' | 'threw' | 'dying' | 'stopped';

/** What a server said of a task in its log. */
export type FactKind =
  | 'began'
  | 'stopping'
  | 'requeued'
  | 'retried'
  | 'archived'
  | 'succeeded'
  | 'lost';

/** One line, without its instant. `x` names an execution, `key` a task of the known set. */
export type NewRecord =
  | {
      readonly k: 'start';
      readonly x: string;
      readonly key: number;
      readonly task: string;
      readonly type: string;
      readonly retried: number;
      readonly pid: number;
      readonly tid: number;
      readonly server: string;
    }
  | { readonly k: 'end'; readonly x: string; readonly how: OwnEnd }
  /** A process of the fleet began. */
  | {
      readonly k: 'process';
      readonly pid: number;
      readonly parent: number;
      readonly server: string;
      /** Milliseconds by which its clock is off. */
      readonly clockMs: number;
    }
  /** A process, a thread, was seen to end. */
  | { readonly k: 'gone'; readonly pid: number; readonly by: string }
  | { readonly k: 'thread-gone'; readonly pid: number; readonly tid: number }
  | { readonly k: 'frozen'; readonly pid: number }
  | { readonly k: 'thawed'; readonly pid: number }
  /** So long its main thread was ready and got no core, soon after it was thawed. */
  | { readonly k: 'waited'; readonly pid: number; readonly ms: number }
  | {
      readonly k: 'fact';
      readonly what: FactKind;
      readonly pid: number;
      readonly task: string;
      readonly reason: string;
    }
  /** Redis went or came, as a server noticed. */
  | { readonly k: 'redis'; readonly pid: number; readonly isUp: boolean };

/** One line. `at` in milliseconds. */
export type RunRecord = NewRecord & { readonly at: number };

/** Where the file is, and the server that a process belongs to, as processes of the fleet are told. */
export const RECORDS_ENV = 'THREADMILL_CHAOS_RECORDS';
export const SERVER_ENV = 'THREADMILL_CHAOS_SERVER';
export const CLOCK_ENV = 'THREADMILL_CHAOS_CLOCK_MS';
/** Marks everything that a run starts. */
export const RUN_ENV = 'THREADMILL_CHAOS_RUN';

/** Milliseconds of the machine's monotonic clock. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

let fd: number | undefined;

/** Appends a record, synchronously: one write, which no other can split. */
export function note(record: NewRecord, at: number = monotonicMs()): void {
  const path = process.env[RECORDS_ENV];
  if (path === undefined) return;
  fd ??= openSync(path, 'a');
  writeSync(fd, `${JSON.stringify({ ...record, at })}\n`);
}

/** The records of a file's text. A line cut off by a crash of the machine is the last one, and left out. */
export function parseRecords(text: string): RunRecord[] {
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as RunRecord);
}
