/** Memory of a runtime that runs no-op tasks for long: what it keeps of tasks that are over. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { freshQueue } from '../contenders/queue-name.ts';
import { atMost } from '../goal.ts';
import { figureRow, type Row } from '../row.ts';
import type { RssPlan, RssSample } from '../rss/messages.ts';
import { slopes } from '../rss/slopes.ts';
import { median } from '../stats.ts';
import type { Bench, Measure } from './measure.ts';

const MAIN = fileURLToPath(new URL('../rss/main.js', import.meta.url));
const HANDLERS = fileURLToPath(new URL('../handlers', import.meta.url));

const MB = 2 ** 20;

/**
 * The least that can be left of a task is a pointer: eight bytes each would be 7.6 MB per million. What the heap grows by
 * less is code and counters.
 */
const MOST_MB_PER_MILLION = 5;

/** RSS goes up and down by several MB, as the allocators please: the halves of the run are compared. */
const MOST_RSS_GROWTH = 1.1;

/** Samples that come while code is still compiled and pools grow to their sizes: they are told, and not judged. */
const WARM_UP = 2;

/** Samples that are taken in any case. */
const FEWEST = WARM_UP + 4;

/** Sizes of one run, unless a number of tasks was named: then there is no limit, and a sample per fiftieth. */
const SIZES = {
  full: { step: 50_000, count: 2_000_000, limitMs: 75_000 },
  quick: { step: 3_000, count: 40_000, limitMs: 4_500 },
} as const;

/** Of the process, and of its main heap. */
export const rss: Measure = {
  name: 'rss',
  title: 'memory of the runtime over many tasks',
  run: async (bench) => {
    const samples = await sample(planOf(bench));
    const last = samples.at(-1);
    const judged = samples.slice(WARM_UP);
    if (last === undefined || judged.length < 2) throw new Error('the runtime told too little');
    bench.note(
      `rss: ${last.tasks.toLocaleString('en-US')} tasks, ${samples.length} samples; ` +
        '`npm run bench -- --only rss --tasks 10000000` runs ten million.',
    );
    return [rssRow(samples), rssGrowthRow(judged), heapGrowthRow(judged)];
  },
};

function rssRow(samples: readonly RssSample[]): Row {
  const metric = { title: 'RSS of the runtime', unit: 'MB', better: 'lower' } as const;
  return figureRow(
    'rss',
    metric,
    samples.map(({ rssBytes }) => rssBytes / MB),
  );
}

function rssGrowthRow(samples: readonly RssSample[]): Row {
  const half = Math.floor(samples.length / 2);
  const middle = (some: readonly RssSample[]): number =>
    median(some.map(({ rssBytes }) => rssBytes));
  const ratio = middle(samples.slice(-half)) / middle(samples.slice(0, half));
  const metric = { title: 'RSS, later half of the tasks by earlier half', unit: '' } as const;
  return figureRow('rss', { ...metric, better: 'lower' }, [ratio], atMost(MOST_RSS_GROWTH));
}

/** With the buffers that stand outside of it, which tasks come in. */
function heapGrowthRow(samples: readonly RssSample[]): Row {
  const points = samples.map(({ tasks, heapBytes, externalBytes }) => ({
    x: tasks / 1_000_000,
    y: (heapBytes + externalBytes) / MB,
  }));
  const metric = { title: 'growth of the main heap per million tasks', unit: 'MB' } as const;
  const goal = atMost(MOST_MB_PER_MILLION);
  return figureRow('rss', { ...metric, better: 'lower' }, slopes(points), goal);
}

function planOf({ redis, scale, threads, tasks }: Bench): RssPlan {
  const { step, count, limitMs } = SIZES[scale.name];
  const fixed = {
    redisUrl: redis.url,
    queue: freshQueue(),
    threads,
    handlers: HANDLERS,
    fewest: FEWEST,
  };
  if (tasks === undefined) return { ...fixed, step, count, limitMs };
  return { ...fixed, step: Math.ceil(tasks / 50), count: tasks, limitMs: 86_400_000 };
}

/** In a process of its own: whatever the measures before this one left stays out of it. */
async function sample(plan: RssPlan): Promise<RssSample[]> {
  const child = fork(MAIN, [JSON.stringify(plan)], { execArgv: ['--expose-gc'] });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const samples: RssSample[] = [];
  child.on('message', (message) => samples.push(message as RssSample));
  const [code] = (await once(child, 'exit')) as [number | null];
  process.off('exit', kill);
  if (code !== 0) throw new Error(`the process that is measured ended with ${code}`);
  return samples;
}
