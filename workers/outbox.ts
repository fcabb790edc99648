/**
 * Log lines and progress on their way to the main thread, bounded here: a handler that logs per row would else starve
 * the main thread. Lines are gathered for up to 50 ms. Each call looks at the clock, so code that never yields is
 * flushed too; a timer serves code that waits.
 */
import { clearTimeout, setTimeout } from 'node:timers';
import type { FromThread, LogLevel, LogLine } from '../src/threads/messages.ts';
import { RateLimit } from './rate-limit.ts';
import { createRunOutput, type RunOutput } from './run-output.ts';

/** Log lines a thread may send in any second. */
export const MAX_LINES_PER_SECOND = 200;
/** Characters of log lines that one task may send. */
export const MAX_TASK_LOG_SIZE = 65_536;
const FLUSH_EVERY_MS = 50;
const PROGRESS_EVERY_MS = 100;
/** Lines that say what was left out, per second and thread; many short tasks share one line beyond that. */
const MAX_SUMMARIES_PER_SECOND = 20;
/** Output of no run has no end, so its bound starts afresh, and what was left out is said, after this time. */
const STRAY_SPAN_MS = 10_000;

const LEVELS: readonly string[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** The text of a line; made only when the line will be sent. */
export interface LineText {
  readonly message: string;
  /** JSON text of an object. */
  readonly fields?: string;
}

/** One per thread. */
export class Outbox {
  /** For output that belongs to no run. */
  readonly stray: RunOutput = createRunOutput(0);
  readonly #post: (message: FromThread) => void;
  readonly #lowest: number;
  readonly #lineRate = new RateLimit(MAX_LINES_PER_SECOND, 1_000);
  readonly #summaryRate = new RateLimit(MAX_SUMMARIES_PER_SECOND, 1_000);
  readonly #withProgress = new Set<RunOutput>();
  #lines: LogLine[] = [];
  #flushedAt = Number.NEGATIVE_INFINITY;
  #straySince = 0;
  /** When something that waits must go out; Infinity when nothing waits. */
  #dueAt = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  /** Lines below `level` are not sent. */
  constructor(post: (message: FromThread) => void, level: LogLevel | 'silent') {
    this.#post = post;
    this.#lowest = LEVELS.indexOf(level);
  }

  /** Sends a line if the bounds allow it, else counts it. Never throws; `make` is called only for a line that may go. */
  log(from: RunOutput, level: LogLevel, source: LogLine['source'], make: () => LineText): void {
    if (LEVELS.indexOf(level) < this.#lowest) return;
    const now = performance.now();
    const output = this.#ownerOf(from, now);
    if (output.size < MAX_TASK_LOG_SIZE && this.#lineRate.admits(now)) {
      this.#gather(output, now, level, source, textOf(make));
    } else {
      output.dropped += 1;
      if (output === this.stray) this.#wait(now + STRAY_SPAN_MS, now);
    }
    if (now >= this.#dueAt) this.#sendDue(now);
  }

  /** Keeps the last progress of a run, given as JSON; sends it at most ten times a second. */
  progress(output: RunOutput, json: string): void {
    if (output.isOver) return;
    const now = performance.now();
    output.progress = json;
    const dueAt = output.progressSentAt + PROGRESS_EVERY_MS;
    if (now >= dueAt) {
      this.#sendProgress(output, now);
    } else {
      this.#withProgress.add(output);
      this.#wait(dueAt, now);
    }
    if (now >= this.#dueAt) this.#sendDue(now);
  }

  /** Sends all that the run still has to say; its outcome follows. */
  finish(output: RunOutput): void {
    if (output.progress !== undefined) this.#sendProgress(output, performance.now());
    if (output.dropped > 0) this.#summarize(output, performance.now());
    output.isOver = true;
    this.flush();
  }

  /** Sends the gathered lines now. */
  flush(): void {
    if (this.#lines.length === 0) return;
    const lines = this.#lines;
    this.#lines = [];
    this.#flushedAt = performance.now();
    this.#post({ kind: 'log', lines });
  }

  #ownerOf(from: RunOutput, now: number): RunOutput {
    if (!from.isOver && from !== this.stray) return from;
    if (now - this.#straySince > STRAY_SPAN_MS) this.#renewStray(now);
    return this.stray;
  }

  #renewStray(now: number): void {
    this.#straySince = now;
    this.stray.size = 0;
    if (this.stray.dropped > 0) this.#summarize(this.stray, now);
  }

  #gather(
    output: RunOutput,
    now: number,
    level: LogLevel,
    source: LogLine['source'],
    text: LineText,
  ): void {
    const size = text.message.length + (text.fields?.length ?? 0);
    if (output.size + size > MAX_TASK_LOG_SIZE) {
      output.size = MAX_TASK_LOG_SIZE; // from now on lines are only counted
      output.dropped += 1;
      return;
    }
    output.size += size;
    this.#lineRate.note(now);
    this.#lines.push({ run: output.run, level, source, ...text });
    // The first line after a pause goes at once: the code may compute for long before its next call.
    this.#wait(this.#flushedAt + FLUSH_EVERY_MS, now);
  }

  #sendProgress(output: RunOutput, now: number): void {
    const json = output.progress;
    this.#withProgress.delete(output);
    if (json === undefined) return;
    output.progress = undefined;
    output.progressSentAt = now;
    this.#post({ kind: 'progress', run: output.run, value: JSON.parse(json) });
  }

  /** One line per task for what was left out. Where too many tasks need one, they share a line of no run. */
  #summarize(output: RunOutput, now: number): void {
    const dropped = output.dropped;
    output.dropped = 0;
    if (output !== this.stray && !this.#summaryRate.admits(now)) {
      this.stray.dropped += dropped;
      this.#wait(now + STRAY_SPAN_MS, now);
      return;
    }
    this.#summaryRate.note(now);
    const message = `${dropped} lines dropped: over ${MAX_LINES_PER_SECOND} lines a second or 64 KB a task`;
    this.#lines.push({ run: output.run, level: 'warn', source: 'log', message });
  }

  #wait(dueAt: number, now: number): void {
    if (dueAt < this.#dueAt) this.#dueAt = dueAt;
    if (dueAt >= this.#timerAt || dueAt <= now) return;
    clearTimeout(this.#timer);
    this.#timerAt = dueAt;
    this.#timer = setTimeout(() => this.#onTimer(), Math.ceil(dueAt - now)).unref();
  }

  #onTimer(): void {
    this.#timerAt = Number.POSITIVE_INFINITY;
    this.#sendDue(performance.now());
  }

  #sendDue(now: number): void {
    this.#dueAt = Number.POSITIVE_INFINITY;
    if (now - this.#straySince > STRAY_SPAN_MS) this.#renewStray(now);
    this.flush();
    for (const output of this.#withProgress) {
      const dueAt = output.progressSentAt + PROGRESS_EVERY_MS;
      if (now >= dueAt) this.#sendProgress(output, now);
      else this.#wait(dueAt, now);
    }
    if (this.stray.dropped > 0) this.#wait(this.#straySince + STRAY_SPAN_MS + 1, now);
  }
}

function textOf(make: () => LineText): LineText {
  try {
    return make();
  } catch {
    return { message: 'a log line that could not be written: one of its values throws when read' };
  }
}
