/**
 * What is kept of a task's attempts in hash fields of our own (wire/task-fields), as text and bounded:
 *
 *     threadmill_started:   <started> <thread or -> <server>
 *     threadmill_attempts:  a line each: <ended> <run ms> <thread or -> <server> <outcome>[ <error as a JSON string>]
 *     threadmill_progress:  JSON
 *     threadmill_log:       JSON: [[at, level, text], ...]
 *     threadmill_run_ms:    a whole number
 *
 * Instants are Unix milliseconds. The scripts put in those by Redis's clock, so lines and notes are made here in parts.
 */
import type { AttemptOutcome, AttemptRecord, TaskLogLine, TaskRecords } from '../task-records.ts';

/** The fields as they stand; absent where there is none. */
export interface StoredRecords {
  readonly attempts?: string;
  readonly progress?: string;
  readonly log?: string;
  readonly runMs?: string;
}

/** Where an attempt runs. */
export interface AttemptPlace {
  /** `host:pid:uuid`. */
  readonly server: string;
  readonly thread?: number | undefined;
}

/** An attempt that runs. */
export interface AttemptStart extends AttemptPlace {
  /** Milliseconds since it began. */
  readonly agoMs: number;
}

/** Attempts that are kept; the script cuts. */
export const MAX_ATTEMPTS = 10;
/** Bytes of an error's text. */
const MAX_ERROR_BYTES = 1_024;
/** Bytes of one log line's text. */
const MAX_LINE_BYTES = 1_024;
/** Bytes of all log lines, as JSON. */
const MAX_LOG_BYTES = 8_192;
/** Farthest instant that a Date can hold. */
const LAST_MS = 8.64e15;

/** Thread and server, as they stand in note and line. */
export function encodePlace({ server, thread }: AttemptPlace): string {
  return `${thread ?? '-'} ${server.replace(/\s/g, '_')}`;
}

/** The beginning of an attempt, as the script takes it: it puts the instant in place of the time since. */
export function encodeStart({ agoMs, ...place }: AttemptStart): string {
  return `${wholeMs(agoMs)} ${encodePlace(place)}`;
}

/** What a line of the history ends with. */
export function encodeEnd(outcome: AttemptOutcome, error: string | undefined): string {
  if (error === undefined) return outcome;
  return `${outcome} ${JSON.stringify(cutBytes(error, MAX_ERROR_BYTES))}`;
}

/** The newest lines, as many as fit. */
export function encodeLog(lines: readonly TaskLogLine[]): string {
  const kept: string[] = [];
  let bytes = 2;
  for (const { at, level, text } of [...lines].reverse()) {
    const line = JSON.stringify([at.getTime(), level, cutBytes(text, MAX_LINE_BYTES)]);
    bytes += Buffer.byteLength(line) + 1;
    if (bytes > MAX_LOG_BYTES) break;
    kept.push(line);
  }
  return `[${kept.reverse().join(',')}]`;
}

/** Reads the fields. What is not as we write it is left out: the hash is open to everybody. */
export function decodeRecords(fields: StoredRecords): TaskRecords {
  const { attempts = '', progress, log, runMs } = fields;
  const reported = progress === undefined ? undefined : parseJson(progress);
  return {
    attempts: attempts
      .split('\n')
      .flatMap((line) => decodeAttempt(line) ?? [])
      .slice(-MAX_ATTEMPTS),
    ...(reported === undefined ? {} : { progress: reported }),
    logs: log === undefined ? [] : decodeLog(log),
    ...(runMs !== undefined && /^\d{1,15}$/.test(runMs) ? { runMs: Number(runMs) } : {}),
  };
}

const ATTEMPT =
  /^(\d{1,15}) (\d{1,15}) (\d{1,10}|-) (\S+) (ok|retry|archived|revoked|requeued)(?: ("[^\n]*"))?$/;

function decodeAttempt(line: string): AttemptRecord | undefined {
  const [, ended, run, thread, server, outcome, errorJson] = ATTEMPT.exec(line) ?? [];
  if (server === undefined || outcome === undefined) return undefined;
  const durationMs = Number(run);
  const error = errorJson === undefined ? undefined : parseJson(errorJson);
  return {
    startedAt: new Date(Number(ended) - durationMs),
    endedAt: new Date(Number(ended)),
    durationMs,
    outcome: outcome as AttemptOutcome,
    ...(typeof error === 'string' ? { error } : {}),
    server,
    ...(thread === '-' ? {} : { thread: Number(thread) }),
  };
}

function decodeLog(text: string): TaskLogLine[] {
  const lines = parseJson(text);
  return Array.isArray(lines) ? lines.flatMap((line) => decodeLine(line) ?? []) : [];
}

function decodeLine(line: unknown): TaskLogLine | undefined {
  if (!Array.isArray(line)) return undefined;
  const [at, level, text] = line as unknown[];
  if (!isInstant(at) || typeof level !== 'string' || typeof text !== 'string') return undefined;
  return { at: new Date(at), level, text };
}

function isInstant(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= LAST_MS;
}

/** A duration as the scripts take it. */
export function wholeMs(ms: number): number {
  return Math.max(0, Math.round(ms));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Well-formed, and cut at a whole character. */
function cutBytes(text: string, max: number): string {
  const whole = text.toWellFormed();
  // No character takes more than three bytes a unit: most texts need no count.
  if (whole.length * 3 <= max || Buffer.byteLength(whole) <= max) return whole;
  const ellipsis = '…';
  const head = new Uint8Array(max - Buffer.byteLength(ellipsis));
  const { read } = new TextEncoder().encodeInto(whole, head);
  return whole.slice(0, read) + ellipsis;
}
