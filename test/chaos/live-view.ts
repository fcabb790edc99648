/** Follows the records while the run goes on: what lives, and what it is working on now. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { type Guard, signal } from './guard.ts';
import { monotonicMs, note, parseRecords, type RunRecord } from './records.ts';

interface Running {
  readonly type: string;
  readonly pid: number;
  readonly tid: number;
}

const LOOK_MS = 20;
const CHUNK = 1_048_576;

/** The view; it looks by itself until it is closed. */
export class LiveView {
  readonly #fd: number;
  readonly #guard: Guard;
  readonly #timer: NodeJS.Timeout;
  /** Parents by process. */
  readonly #live = new Map<number, number>();
  readonly #running = new Map<string, Running>();
  #at = 0;
  #lastLookAt = monotonicMs();
  /** Executions so far. */
  executions = 0;

  constructor(records: string, guard: Guard) {
    this.#fd = openSync(records, 'a+');
    this.#guard = guard;
    this.#timer = setInterval(() => this.look(), LOOK_MS);
  }

  childrenOf(pid: number): number[] {
    return [...this.#live].filter(([, parent]) => parent === pid).map(([child]) => child);
  }

  /** How many executions, of this type where one is given, this process has begun and not ended. */
  begun(pid: number, type?: string): number {
    return [...this.#running.values()].filter(
      (one) => one.pid === pid && (type === undefined || one.type === type),
    ).length;
  }

  get pids(): number[] {
    return [...this.#live.keys()];
  }

  /** Reads what was appended, and notes the end of processes that nobody else has seen end. */
  look(): void {
    for (const record of parseRecords(this.#appended())) this.#take(record);
    const lookedAt = this.#lastLookAt;
    this.#lastLookAt = monotonicMs();
    for (const pid of this.#live.keys()) {
      if (isAlive(pid)) continue;
      note({ k: 'gone', pid, by: 'look' }, lookedAt); // it may have lived until then
      this.#forget(pid);
    }
  }

  close(): void {
    clearInterval(this.#timer);
    closeSync(this.#fd);
  }

  #appended(): string {
    const buffer = Buffer.alloc(CHUNK);
    const length = readSync(this.#fd, buffer, 0, CHUNK, this.#at);
    const end = buffer.subarray(0, length).lastIndexOf('\n') + 1;
    this.#at += end;
    return buffer.toString('utf8', 0, end);
  }

  #take(record: RunRecord): void {
    switch (record.k) {
      case 'process':
        this.#live.set(record.pid, record.parent);
        this.#guard.add(record.pid);
        return;
      case 'gone':
        // A child that loses its supervisor says so a moment before its end.
        return record.by === 'disconnect'
          ? this.#stopRunning(record.pid)
          : this.#forget(record.pid);
      case 'start':
        this.executions += 1;
        this.#running.set(record.x, record);
        return;
      case 'end':
        this.#running.delete(record.x);
        return;
      case 'thread-gone':
        for (const [x, { pid, tid }] of this.#running) {
          if (pid === record.pid && tid === record.tid) this.#running.delete(x);
        }
        return;
      default:
    }
  }

  #forget(pid: number): void {
    this.#live.delete(pid);
    this.#guard.delete(pid);
    this.#stopRunning(pid);
  }

  #stopRunning(pid: number): void {
    for (const [x, one] of this.#running) if (one.pid === pid) this.#running.delete(x);
  }
}

/** Not one that has ended and waits for its parent to notice. */
export function isAlive(pid: number): boolean {
  if (!signal(pid, 0)) return false;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.charAt(stat.lastIndexOf(')') + 2) !== 'Z';
  } catch {
    return signal(pid, 0); // no /proc here, or it has just gone
  }
}
