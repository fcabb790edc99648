/** What the handler of one run has reported: its last progress and log lines, and how much of that Redis knows. */
import type { ReportChange } from '../broker/broker.ts';
import type { TaskLogLine } from '../task-records.ts';
import { encodeLog } from '../wire/task-records.ts';
import type { ActiveTask } from './active-tasks.ts';

/** Lines of the log that are kept; they come whole, so they are few. */
const MAX_LINES = 20;

/** What Redis is to be told, and what it knows once it has been. */
export interface PendingReport {
  readonly change: ReportChange;
  readonly upTo: { readonly progress: Reported | undefined; readonly lines: number };
}

interface Reported {
  readonly value: unknown;
}

/** The report of one run; made when it first has something to say. Bounded, and encoded only when it is sent. */
export class RunReport {
  #progress: Reported | undefined;
  #sentProgress: Reported | undefined;
  readonly #lines: TaskLogLine[] = [];
  #lineCount = 0;
  #sentLines = 0;

  /** Keeps the last value; it holds nothing but what JSON can. */
  progress(value: unknown): void {
    this.#progress = { value };
  }

  log(line: TaskLogLine): void {
    this.#lines.push(line);
    if (this.#lines.length > MAX_LINES) this.#lines.shift();
    this.#lineCount += 1;
  }

  /** What has changed since it was sent last; `undefined` when nothing has. */
  unsent(): PendingReport | undefined {
    const hasProgress = this.#progress !== this.#sentProgress;
    const hasLines = this.#lineCount !== this.#sentLines;
    if (!hasProgress && !hasLines) return undefined;
    return {
      change: {
        ...(hasProgress ? { progress: JSON.stringify(this.#progress?.value) } : {}),
        ...(hasLines ? { log: encodeLog(this.#lines) } : {}),
      },
      upTo: { progress: this.#progress, lines: this.#lineCount },
    };
  }

  /** Redis has it. */
  sent({ upTo }: PendingReport): void {
    this.#sentProgress = upTo.progress;
    this.#sentLines = upTo.lines;
  }
}

/** The report of a run, made if there is none yet. */
export function reportOf(task: ActiveTask): RunReport {
  task.report ??= new RunReport();
  return task.report;
}

/** Characters of a change. */
export function sizeOfChange(change: ReportChange | undefined): number {
  return (change?.progress?.length ?? 0) + (change?.log?.length ?? 0);
}
