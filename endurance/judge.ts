/** Compares what happened with what should have. No IO. */
import type { QueueInfo, TaskInfo } from '../src/index.ts';
import type { Kind } from './kinds.ts';
import type { Counts } from './stage.ts';

/** What is known of a stage at a moment. */
export interface Reading {
  readonly info: QueueInfo;
  readonly counts: Counts;
}

/** What was done between two readings. */
export interface Deeds {
  readonly kind: Kind;
  /** The bad tasks as they are now. */
  readonly bad: readonly (TaskInfo | undefined)[];
  readonly good: number;
}

/** What of the one is not the other, in words. */
export function differences(before: Reading, after: Reading, deeds: Deeds): string[] {
  const { kind, bad, good } = deeds;
  const times = bad.length;
  const failing = kind.reason === 'late' ? 0 : times;
  const grew = (read: (reading: Reading) => number): number => read(after) - read(before);
  const expected: [string, number, number][] = [
    ['attempts counted', grew(({ info }) => info.processedTotal), times + good],
    ['failures counted', grew(({ info }) => info.failedTotal), failing],
    ['tasks that wait for a retry', grew(({ info }) => info.counts.retry), failing],
    ['tasks in the queue', grew(({ info }) => info.size), failing],
    ['errors after the end', grew(({ counts }) => counts.late), times - failing],
  ];
  return [
    ...expected.flatMap(([what, found, wanted]) =>
      found === wanted ? [] : [`${what}: ${found}, not ${wanted}`],
    ),
    ...reasonDifferences(countedAs(before.counts, after.counts), kind, failing),
    ...(kind.reason === 'late' ? [] : bad.flatMap((task) => wrongIn(task, kind))),
  ];
}

/** Failures between two readings, by reason. */
export function countedAs(before: Counts, after: Counts): Record<string, number> {
  const grown = Object.entries(after.reasons).map(
    ([reason, count]) => [reason, count - (before.reasons[reason] ?? 0)] as const,
  );
  const late = after.late - before.late;
  const all = late === 0 ? grown : [...grown, ['late', late] as const];
  return Object.fromEntries(all.filter(([, count]) => count !== 0));
}

function reasonDifferences(
  found: Readonly<Record<string, number>>,
  { reason, orElse }: Kind,
  times: number,
): string[] {
  const isRight = (name: string): boolean => name === reason || name === orElse;
  const failures = Object.entries(found).filter(([name]) => name !== 'late');
  const right = failures.reduce((sum, [name, count]) => sum + (isRight(name) ? count : 0), 0);
  const wrong = failures.filter(([name]) => !isRight(name));
  return [
    ...(right === times ? [] : [`failures as ${reason}: ${right}, not ${times}`]),
    ...wrong.map(([name, count]) => `failures as ${name}: ${count}, not 0`),
  ];
}

function wrongIn(task: TaskInfo | undefined, { error }: Kind): string[] {
  if (task === undefined) return ['a bad task is gone'];
  const { id, state, retried, lastError = '' } = task;
  return [
    ...(state === 'retry' ? [] : [`task ${id} is ${state}`]),
    ...(retried === 1 ? [] : [`task ${id} has spent ${retried} attempts`]),
    ...(error.test(lastError) ? [] : [`task ${id} failed of "${lastError}"`]),
  ];
}
