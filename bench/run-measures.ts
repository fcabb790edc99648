/** Runs measures on one Redis and gathers their rows. */
import { inspect } from 'node:util';
import { openBenchRedis } from './bench-redis.ts';
import { environment } from './environment.ts';
import { Field } from './field.ts';
import type { Bar } from './goal.ts';
import type { Bench, Measure } from './measures/measure.ts';
import { countOf, judge, type JudgedRow, makeReport, missedTwice, type Report } from './report.ts';
import type { Scale } from './scale.ts';

/** What to run. */
export interface RunOptions {
  readonly measures: readonly Measure[];
  readonly scale: Scale;
  readonly bar: Bar;
  /** Default: a private server, gone at the end. */
  readonly redisUrl: string | undefined;
  /** Tasks that `rss` is to run. Default: as many as its time allows. */
  readonly tasks?: number | undefined;
  /** Told one line per measure, as it begins. */
  onProgress(line: string): void;
}

/**
 * A quick run is made on machines that do other things as well: what looks missed there is measured a second time, when
 * the others are through, and counts only when it is missed again. Not after so long: a machine that needed it for the
 * first look is too busy to tell.
 */
const SECOND_TRY_MS = 140_000;

/** Runs the measures one after the other. Nothing is left running, also after an error. */
export async function runMeasures(options: RunOptions): Promise<Report> {
  const { scale, bar } = options;
  const redis = await openBenchRedis(options.redisUrl);
  try {
    const before = environment(redis.version); // before the first measure, for the load
    const began = performance.now();
    const field = new Field(redis, scale, options.tasks);
    try {
      const failures: string[] = [];
      const rows = await allRows(field, options, failures);
      const versions = { ...before.versions, ...(await field.versions()) };
      const seconds = Math.round((performance.now() - began) / 1_000);
      const { notes } = field;
      return makeReport(
        { environment: { ...before, versions }, scale, seconds, notes, failures, rows },
        bar,
      );
    } finally {
      await field.close();
    }
  } finally {
    await redis.clean().catch(() => undefined); // it may be what broke
    await redis.stop();
  }
}

/** Runs each measure; one that breaks does not take the figures of the others with it. And where a quick run seems to miss goals, those measures once more. */
async function allRows(
  bench: Bench,
  options: RunOptions,
  failures: string[],
): Promise<JudgedRow[]> {
  const { measures, bar, onProgress } = options;
  const began = performance.now();
  const once = async (measure: Measure): Promise<JudgedRow[]> => {
    try {
      return (await measure.run(bench)).map((row) => judge(row, bar));
    } catch (error) {
      failures.push(`${measure.name} broke: ${inspect(error)}`);
      onProgress(`goes on: ${failures.at(-1)}`);
      await bench.redis.clean();
      return [];
    }
  };
  const tried: { measure: Measure; rows: JudgedRow[] }[] = [];
  for (const measure of measures) {
    onProgress(measure.title);
    tried.push({ measure, rows: await once(measure) });
  }
  const rows: JudgedRow[] = [];
  for (const { measure, rows: first } of tried) {
    if (!bar.isQuick || countOf(first, 'missed') === 0) {
      rows.push(...first);
    } else if (performance.now() - began > SECOND_TRY_MS) {
      bench.note(`${measure.title}: a goal seems missed, and there was no time for a second look.`);
      rows.push(...missedTwice([], first));
    } else {
      onProgress(`${measure.title}, again: a goal seems missed`);
      rows.push(...missedTwice(first, await once(measure)));
    }
  }
  return rows;
}
