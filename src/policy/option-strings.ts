/** Enqueue options as asynq's tools read them beside a schedule entry (protocol 5.4). Each has a `(`: Go panics without. */
import type { EnqueueOptions, Headers } from '../task.ts';
import { parseDuration, toWireSeconds } from './duration.ts';

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

type Given = Readonly<Partial<Record<string, unknown>>>;
type Writer = (value: unknown) => string;

const text: Writer = (value) => JSON.stringify(value);
const seconds: Writer = (value) => goDuration(toWireSeconds(parseDuration(value as string)));
const instant: Writer = (value) =>
  unixDate(value instanceof Date ? value : new Date(Number(value)));

/** By option, in the order in which they are listed. */
const WRITERS: readonly (readonly [option: string, name: string, write: Writer])[] = [
  ['queue', 'Queue', text],
  ['maxRetry', 'MaxRetry', (value) => String(Math.min(Number(value), 2_147_483_647))],
  ['timeout', 'Timeout', seconds],
  ['deadline', 'Deadline', instant],
  ['uniqueFor', 'Unique', seconds],
  ['processAt', 'ProcessAt', instant],
  ['processIn', 'ProcessIn', seconds],
  ['retention', 'Retention', seconds],
  ['group', 'Group', text],
];

/** The options that were given, and the headers. To be called with checked options only. */
export function optionStrings(options: EnqueueOptions, headers: Headers = {}): string[] {
  const given = options as Given;
  const written = WRITERS.filter(([option]) => given[option] !== undefined).map(
    ([option, name, write]) => `${name}(${write(given[option])})`,
  );
  const named = Object.entries(headers).map((pair) => `Header(${JSON.stringify(pair)})`);
  return [...written, ...named];
}

/** Whole seconds as Go writes them: `90` is `1m30s`, `3600` is `1h0m0s`, `0` is `0s`. */
function goDuration(total: number): string {
  const [h, m, s] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  if (h > 0) return `${h}h${m}m${s}s`;
  return m > 0 ? `${m}m${s}s` : `${s}s`;
}

/** `Mon Jan  2 15:04:05 UTC 2006`. */
function unixDate(date: Date): string {
  const [year = '', time = ''] = date.toISOString().split(/T|\./);
  const day = String(date.getUTCDate()).padStart(2, ' ');
  const names = `${DAYS[date.getUTCDay()]} ${MONTHS[date.getUTCMonth()]}`;
  return `${names} ${day} ${time} UTC ${year.slice(0, 4)}`;
}
