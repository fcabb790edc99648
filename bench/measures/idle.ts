/** What waiting costs: commands, connections and CPU of idle servers, and what a fleet of them adds to a task. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from '../../src/index.ts';
import { freshQueue } from '../contenders/queue-name.ts';
import { atMost } from '../goal.ts';
import { IdleFleet } from '../idle/fleet.ts';
import { freshQueues, IdleServer } from '../idle/idle-server.ts';
import { processCpuMs, tellsCpu } from '../idle/process-cpu.ts';
import { RedisCounts } from '../idle/redis-counts.ts';
import { inTurns } from '../rounds.ts';
import { compare, figureRow, type Row } from '../row.ts';
import { median } from '../stats.ts';
import { ServeProcess } from '../stop/serve-process.ts';
import { watchFirstLines } from '../work/first-line.ts';
import type { Bench, Measure } from './measure.ts';

const MANY = 1_000;
const FLEET = 100;
const HANDLERS = fileURLToPath(new URL('../handlers', import.meta.url));
/** A count of commands does not depend on the machine's load. */
const COUNTED = { quickShare: 1 };

/** Lengths in milliseconds, and numbers. */
interface Sizes {
  /** After which a server has done all that it does at first, V8's tidying up included. */
  readonly settleMs: number;
  /** Heartbeats come every five seconds: a window holds as many of them as the next. */
  readonly windowMs: number;
  readonly windows: number;
  readonly pickups: number;
  readonly tasks: number;
}

const SIZES: Readonly<Record<Bench['scale']['name'], Sizes>> = {
  full: { settleMs: 20_000, windowMs: 5_000, windows: 5, pickups: 15, tasks: 300 },
  quick: { settleMs: 9_000, windowMs: 5_000, windows: 1, pickups: 5, tasks: 100 },
};

/** Against goals of its own; the pick-up in one of many queues against that in a server's only queue. */
export const idle: Measure = {
  name: 'idle',
  title: 'what waiting costs',
  about:
    'Servers without work. Commands are counted by Redis (`total_commands_processed`, calls inside scripts included). CPU ' +
    'is that of `threadmill serve`, supervisor and child together. The fleet is a hundred dispatchers with brokers of their ' +
    'own in one process, and tasks are enqueued one after the other, each when the one before is settled.',
  run: async (bench) => [
    ...(await serveRows(bench, 1)),
    ...(await serveRows(bench, MANY)),
    await pickupRow(bench),
    await fleetRow(bench),
  ],
};

/** A `threadmill serve` with so many queues. */
async function serveRows({ redis, scale, threads, note }: Bench, count: number): Promise<Row[]> {
  const { settleMs, windowMs, windows } = SIZES[scale.name];
  const counts = new RedisCounts(redis.url);
  const others = await counts.connections();
  const serve = startServe(redis.url, count, threads);
  try {
    await serve.says('started');
    await sleep(settleMs);
    const commands: number[] = [];
    const percents: number[] = [];
    for (let window = 0; window < windows; window += 1) {
      const beganMs = performance.now();
      const [sent, cpuMs] = [await counts.commands(), processCpuMs(serve.pid) ?? 0];
      await sleep(windowMs);
      const tookMs = performance.now() - beganMs;
      commands.push((((await counts.commands()) - sent) * 1_000) / tookMs);
      percents.push((((processCpuMs(serve.pid) ?? 0) - cpuMs) * 100) / tookMs);
    }
    const connections = (await counts.connections()) - others;
    if (!tellsCpu()) note('The CPU of idle servers was not measured: only Linux tells it.');
    return rowsOf(count, { commands, connections, percents: tellsCpu() ? percents : [] });
  } finally {
    await serve.end();
    counts.close();
  }
}

function startServe(redisUrl: string, count: number, threads: number): ServeProcess {
  return new ServeProcess({
    env: {
      REDIS_URL: redisUrl,
      HANDLERS,
      QUEUES: Object.keys(freshQueues(count)).join(','),
      CONCURRENCY: `${threads}`,
      HTTP_PORT: '0',
      LOG_LEVEL: 'info',
    },
  });
}

function rowsOf(
  count: number,
  found: { commands: readonly number[]; connections: number; percents: readonly number[] },
): Row[] {
  const of = count === 1 ? 'one queue' : `${count.toLocaleString('en')} queues`;
  const row = (title: string, unit: string, samples: readonly number[], bound: number): Row =>
    figureRow(
      'idle',
      { title: `${title}, ${of}`, unit, better: 'lower' },
      samples,
      atMost(bound, unit === '% of a core' ? {} : COUNTED),
    );
  return [
    row('idle, commands', 'commands/s', found.commands, count === 1 ? 6 : 200),
    row('idle, connections', '', [found.connections], 3),
    ...(found.percents.length === 0
      ? []
      : [row('idle, CPU', '% of a core', found.percents, count === 1 ? 0.5 : 3)]),
  ];
}

async function pickupRow({ redis, scale, threads }: Bench): Promise<Row> {
  const { pickups } = SIZES[scale.name];
  const watch = watchFirstLines();
  const open: IdleServer[] = [];
  try {
    for (const count of [MANY, 1]) open.push(await IdleServer.open(redis.url, count, threads));
    for (const server of open) await server.pickups(watch, pickups); // warm
    const slices = await inTurns(
      open.map((server, index) => ({
        name: index === 0 ? 'Threadmill' : 'one queue',
        slice: async () => median(await server.pickups(watch, pickups)),
      })),
      scale.rounds,
    );
    const side = (name: string): { name: string; slices: readonly number[] } => {
      return { name, slices: slices.get(name) ?? [] };
    };
    const metric = {
      title: 'pick-up in one of 1,000 queues, p50',
      unit: 'ms',
      better: 'lower',
    } as const;
    return compare('idle', metric, side('Threadmill'), side('one queue'), atMost(1.1));
  } finally {
    watch.close();
    await Promise.all(open.map((server) => server.close()));
    await redis.clean();
  }
}

async function fleetRow(bench: Bench): Promise<Row> {
  const alone = await commandsPerTask(bench, 1);
  const together = await commandsPerTask(bench, FLEET);
  const metric = {
    title: 'commands per task, 100 idle servers beyond one',
    unit: 'commands',
    better: 'lower',
  } as const;
  return figureRow('idle', metric, [together - alone], atMost(10));
}

/** Without what the fleet sends when there are no tasks. */
async function commandsPerTask({ redis, scale }: Bench, size: number): Promise<number> {
  const { tasks } = SIZES[scale.name];
  const counts = new RedisCounts(redis.url);
  const client = new Client({ redis: redis.url });
  const queue = freshQueue();
  const fleet = new IdleFleet(redis.url, queue, size);
  try {
    await sleep(2_000); // they connect, and look once
    const perMs = (await commandsIn(counts, () => sleep(3_000))).perMs;
    const run = async (count: number): Promise<void> => {
      for (let task = 0; task < count; task += 1) {
        const settled = fleet.settled();
        await client.enqueue({ type: 'noop' }, { queue });
        await settled;
      }
    };
    const { sent, tookMs } = await commandsIn(counts, () => run(tasks));
    return (sent - perMs * tookMs) / tasks;
  } finally {
    await client.close();
    await fleet.close();
    counts.close();
    await redis.clean();
  }
}

async function commandsIn(
  counts: RedisCounts,
  act: () => Promise<unknown>,
): Promise<{ sent: number; tookMs: number; perMs: number }> {
  const beganMs = performance.now();
  const before = await counts.commands();
  await act();
  const sent = (await counts.commands()) - before;
  const tookMs = performance.now() - beganMs;
  return { sent, tookMs, perMs: sent / tookMs };
}
