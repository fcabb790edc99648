/** Runs measures on one Redis and gathers their rows. */
import { availableParallelism } from 'node:os';
import { type BenchRedis, openBenchRedis } from './bench-redis.ts';
import { bullmqInline } from './contenders/bullmq-inline.ts';
import { bullmqThreads } from './contenders/bullmq-threads.ts';
import { BarePiscina } from './contenders/piscina.ts';
import { Threadmill } from './contenders/threadmill.ts';
import { type Environment, environment } from './environment.ts';
import type { Bench, Measure } from './measures/measure.ts';
import type { Row } from './row.ts';
import type { Scale } from './scale.ts';
import { turnsPerMs } from './work/spin.ts';

/** What to run. */
export interface RunOptions {
  readonly measures: readonly Measure[];
  readonly scale: Scale;
  /** Default: a private server, gone at the end. */
  readonly redisUrl: string | undefined;
  /** Told one line per measure, as it begins. */
  onProgress(line: string): void;
}

/** All that a run found out; this is what `--json` prints. */
export interface Report {
  readonly environment: Environment;
  readonly scale: Scale;
  readonly rows: readonly Row[];
}

/** Runs the measures one after the other. Nothing is left running, also after an error. */
export async function runMeasures(options: RunOptions): Promise<Report> {
  const redis = await openBenchRedis(options.redisUrl);
  try {
    const machine = environment(redis.version); // before the first measure, for the load
    const bench = prepare(redis, options.scale);
    const rows: Row[] = [];
    for (const measure of options.measures) {
      options.onProgress(measure.title);
      rows.push(...(await measure.run(bench)));
    }
    return { environment: machine, scale: options.scale, rows };
  } finally {
    await redis.clean().catch(() => undefined); // it may be what broke
    await redis.stop();
  }
}

function prepare(redis: BenchRedis, scale: Scale): Bench {
  return {
    redis,
    scale,
    threads: availableParallelism(),
    turnsPerMs: turnsPerMs(),
    contenders: {
      threadmill: new Threadmill(redis),
      bullmqInline: bullmqInline(redis),
      bullmqThreads: bullmqThreads(redis),
      piscina: new BarePiscina(),
    },
  };
}
