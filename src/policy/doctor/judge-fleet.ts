/** Verdicts on the fleet: who says that he is there, and who works for which queue. */
import { type CheckName, type Finding, MAX_SAMPLES, type Tally, well } from './finding.ts';

/** An entry in one of the fleet's lists. */
export interface ListedEntry {
  readonly list: 'servers' | 'workers' | 'schedulers';
  readonly address: string;
  readonly expiresAtMs: number;
  readonly leftMs: number | undefined;
  readonly nowMs: number;
}

/** Entries that have been over for so long are those of servers that have died; any reader of asynq removes them. */
const DEAD_MS = 60_000;
/** Scores are whole seconds, and an entry may be refreshed between the two looks at it. */
const CLOCK_WARNING_MS = 3_000;
/** Half of what a lease lasts. */
const CLOCK_PROBLEM_MS = 15_000;

/** Whether its server has died. */
export function isDead({ expiresAtMs, nowMs }: ListedEntry): boolean {
  return expiresAtMs < nowMs - DEAD_MS;
}

/** Entries of servers and schedulers that have died and could not say so. */
export function judgeDead(entries: readonly ListedEntry[], mended: number): Finding {
  const check = 'dead-servers';
  const dead = entries.filter(isDead);
  if (dead.length === 0) return well(check, 'none is listed');
  const isMended = mended >= dead.length;
  const text = isMended
    ? `removed ${entriesText(dead.length)} of servers that are gone`
    : `${entriesText(dead.length)} of servers that are gone`;
  const facts = { count: dead.length, mended, samples: addresses(dead), isFixable: true };
  if (isMended) return { check, status: 'mended', text, ...facts };
  const advice = 'harmless; the next look of any tool removes them, and so does --fix';
  return { check, status: 'warning', text, advice, ...facts };
}

function entriesText(count: number): string {
  return `${count} ${count === 1 ? 'entry' : 'entries'}`;
}

/** Servers that are listed, but whose entry Redis has not got any more. */
export function judgeHidden(entries: readonly ListedEntry[]): Finding {
  const check = 'hidden-servers';
  const hidden = entries.filter(
    ({ list, leftMs, expiresAtMs, nowMs }) =>
      // Workers that do nothing have no entry; one that is about to end may just have done so.
      list !== 'workers' && leftMs === undefined && expiresAtMs > nowMs + 2_000,
  );
  if (hidden.length === 0) return well(check, 'every listed server can be looked at');
  const text = `${hidden.length} listed ${hidden.length === 1 ? 'server has' : 'servers have'} lost the entry: no tool shows them, though they may run`;
  const advice =
    'see to it that Redis evicts nothing (maxmemory-policy noeviction); the next heartbeat brings the entry back';
  return problem(check, hidden, text, advice);
}

/** Servers whose clock is not that of Redis: theirs is in the score, Redis's own in what is left of the entry. */
export function judgeServerClocks(entries: readonly ListedEntry[]): Finding {
  const check = 'server-clocks';
  const skews = entries.flatMap((entry) => {
    const { list, leftMs, expiresAtMs, nowMs } = entry;
    if (list === 'workers' || leftMs === undefined) return [];
    const skewMs = expiresAtMs - (nowMs + leftMs);
    return Math.abs(skewMs) < CLOCK_WARNING_MS ? [] : [{ entry, skewMs }];
  });
  if (skews.length === 0) return well(check, 'the clocks of all servers agree with that of Redis');
  const worst = Math.max(...skews.map(({ skewMs }) => Math.abs(skewMs)));
  const text = `${skews.length} ${skews.length === 1 ? 'server has' : 'servers have'} a clock that is up to ${Math.round(worst / 1000)} s wrong`;
  const advice = 'let NTP set the clocks: servers of asynq write leases and due times by their own';
  const found = problem(
    check,
    skews.map(({ entry }) => entry),
    text,
    advice,
  );
  return worst < CLOCK_PROBLEM_MS ? { ...found, status: 'warning' } : found;
}

function problem(
  check: CheckName,
  entries: readonly ListedEntry[],
  text: string,
  advice: string,
): Finding {
  const facts = { count: entries.length, samples: addresses(entries), isFixable: false };
  return { check, status: 'problem', text, advice, ...facts };
}

function addresses(entries: readonly ListedEntry[]): string[] {
  return [...new Set(entries.map(({ address }) => address))].slice(0, MAX_SAMPLES);
}

/** Queues with tasks that no living server takes. `waiting`: tasks that are to be run, by queue. */
export function judgeServed(
  waiting: ReadonlyMap<string, number>,
  served: ReadonlySet<string>,
): Finding[] {
  const check = 'unserved-queues';
  const lonely = [...waiting].filter(([queue, count]) => count > 0 && !served.has(queue));
  if (lonely.length === 0) return [well(check, 'every queue with tasks to run has a server')];
  return lonely.map(([queue, count]) => ({
    check,
    status: 'problem',
    queue,
    count,
    text: `no living server serves this queue, which has ${count} ${count === 1 ? 'task' : 'tasks'} to run`,
    advice: `threadmill serve --queues ${queue}=1`,
    isFixable: false,
  }));
}

/** Queues with tasks that are not in the list of all: no tool shows them (trap 27). */
export function judgeListed({ count, mended, samples }: Tally): Finding {
  const check = 'unlisted-queues';
  if (count === 0) return well(check, 'every queue with tasks is listed');
  const facts = { count, mended, samples, isFixable: true };
  const queues = `${count} ${count === 1 ? 'queue' : 'queues'}`;
  if (mended >= count)
    return { check, status: 'mended', text: `listed ${queues} that no tool showed`, ...facts };
  const text = `${queues} with tasks ${count === 1 ? 'is' : 'are'} missing in the list of all: no tool shows ${count === 1 ? 'it' : 'them'}`;
  return { check, status: 'problem', text, advice: '--fix lists them again', ...facts };
}
