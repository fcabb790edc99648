/** Every way in which a task can go wrong, and what it may cost: one attempt, unless said otherwise. */
import type { EnqueueOptions } from '../src/index.ts';

/**
 * How tasks of a kind are let loose:
 *
 * - `together`: all at once, a good one after each;
 * - `singly`: the next one when one has ended, and a good one is done;
 * - `canceled`: one on each thread, all canceled when they run;
 * - `beside`: each beside a good one that is under way.
 */
export type Manner = 'together' | 'singly' | 'canceled' | 'beside';

/** One way to go wrong. */
export interface Kind {
  /** For people. */
  readonly name: string;
  /** Its handler, and its name in `--only`. */
  readonly type: string;
  readonly manner: Manner;
  /** What its failures are counted as; `late`: it succeeds, and errs afterwards. */
  readonly reason: string;
  /** What some of them may be counted as instead. */
  readonly orElse?: string;
  /** What is written on the task. */
  readonly error: RegExp;
  readonly options?: EnqueueOptions;
  /** How often it happens, where a hundred times would take too long: this part of it. */
  readonly share?: number;
  /** Each costs seconds: a whole process, or memory that has to grow. */
  readonly isSlow?: true;
}

const CANCELED = /^context canceled$/;
const OUT_OF_TIME = /^context deadline exceeded$/;

/** What a thread withstands. */
export const THREAD_KINDS: readonly Kind[] = [
  { name: 'thrown error', type: 'throw', manner: 'together', reason: 'error', error: /^thrown$/ },
  {
    name: 'rejected promise',
    type: 'reject',
    manner: 'together',
    reason: 'error',
    error: /^rejected$/,
  },
  {
    name: 'result without JSON',
    type: 'unencodable',
    manner: 'together',
    reason: 'not_serializable',
    error: /result/,
    options: { retention: '1m' },
  },
];

/** What costs a thread. */
export const THREAD_ENDS: readonly Kind[] = [
  {
    name: 'process.exit',
    type: 'exit',
    manner: 'together',
    reason: 'exit',
    error: /process\.exit\(7\)/,
  },
  {
    name: 'uncaught exception',
    type: 'uncaught',
    manner: 'together',
    reason: 'uncaught',
    error: /^nobody caught this$/,
  },
  {
    name: 'unhandled rejection',
    type: 'unhandled',
    manner: 'together',
    reason: 'uncaught',
    error: /^nobody awaited this$/,
  },
  // One at a time: a late error ends its thread, with the timers of those that ended there before.
  { name: 'exception after the end', type: 'late', manner: 'singly', reason: 'late', error: /^$/ },
  {
    name: 'rejection after the end',
    type: 'late-rejection',
    manner: 'singly',
    reason: 'late',
    error: /^$/,
  },
  {
    name: 'hang',
    type: 'hang',
    manner: 'together',
    reason: 'heartbeat_missed',
    error: /^handler heartbeat missed$/,
  },
  { name: 'tight loop', type: 'loop', manner: 'together', reason: 'timeout', error: OUT_OF_TIME },
  {
    name: 'processes left to run',
    type: 'spawn',
    manner: 'together',
    reason: 'timeout',
    error: OUT_OF_TIME,
  },
  {
    name: 'thread out of memory',
    type: 'heap-arrays',
    manner: 'together',
    reason: 'out_of_memory',
    error: /out of memory/,
  },
];

const PROCESS_END = {
  isSlow: true,
  manner: 'singly',
  reason: 'process_died',
  error: /^the process ended while it ran the task: .*\(out of memory\?\)$/,
} as const;
/** Now and then V8 notices in time, and ends the thread alone. */
const HEAP_END = {
  ...PROCESS_END,
  orElse: 'out_of_memory',
  error: /\(out of memory\?\)$|^the thread ran out of memory/,
} as const;

/** What costs a process. */
export const PROCESS_ENDS: readonly Kind[] = [
  { ...PROCESS_END, name: 'SIGKILL of the process', type: 'kill' },
  { ...HEAP_END, name: 'Map over the heap limit', type: 'heap-map' },
];

/** What costs a process as well; a list of its own, since each takes a second. */
export const PARSE_ENDS: readonly Kind[] = [
  { ...HEAP_END, name: 'JSON.parse over the heap limit', type: 'heap-json' },
  { ...HEAP_END, name: 'split over the heap limit', type: 'heap-split' },
];

/** What costs a process in which something else runs: then nobody is to blame before each has run alone. */
export const SHARED_ENDS: readonly Kind[] = [
  {
    ...PROCESS_END,
    name: 'SIGKILL beside another',
    type: 'kill',
    manner: 'beside',
    share: 0.1,
  },
];

/** What nothing but the end of the process stops. */
export const NATIVE_KINDS: readonly Kind[] = [
  {
    name: 'native call, canceled',
    type: 'native',
    isSlow: true,
    manner: 'canceled',
    reason: 'canceled',
    error: CANCELED,
  },
];

/** What no heap limit counts. One at a time: Node 20 knows only what all threads use together. */
export const MEMORY_KINDS: readonly Kind[] = [
  {
    name: 'Buffers over the task limit',
    type: 'buffers',
    isSlow: true,
    manner: 'singly',
    reason: 'memory',
    error: /^memory limit exceeded$/,
  },
];
