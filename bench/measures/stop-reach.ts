/** How long a stop takes to reach the handler's code, from the main thread's call, while every core computes. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Row } from '../row.ts';
import { BareWorker } from '../stop/bare-worker.ts';
import { type StopHandler, StopPool, type StopRun } from '../stop/stop-pool.ts';
import { nowMs } from '../work/first-line.ts';
import type { Bench } from './measure.ts';
import { compareStops, promised, sampled, type Samples } from './stop-rows.ts';
import type { Turn } from '../rounds.ts';

/** What a stop may take, by the 99th of a hundred. */
const PROMISED_MS = 2;
/** Before each stop, at random, so that no sample meets the scheduler in step with the one before. */
const LONGEST_PAUSE_MS = 5;

/** Into a loop that looks, and into asynchronous code; against bare threads that share the cores in the same way. */
export async function measureReach(bench: Bench): Promise<Row[]> {
  const { scale, threads } = bench;
  const rows: Row[] = [];
  for (const [order, title, peer] of [
    ['poll', 'stop reaches a loop, every core busy', 'bare Worker, shared flag'],
    ['listen', 'stop reaches ctx.signal, every core busy', 'bare Worker, postMessage'],
  ] as const) {
    // A loop that is to be stopped keeps its own core busy.
    const others = order === 'poll' ? threads - 1 : threads;
    const ours = new BusyPool(others);
    const theirs = new BusyWorkers(others);
    try {
      await Promise.all([ours.start(), theirs.start()]);
      const turns = [
        busy(
          ours,
          sampled('Threadmill', scale.reachesPerSlice, () => ours.sample(order)),
        ),
        busy(
          theirs,
          sampled(peer, scale.reachesPerSlice, () => theirs.sample(order)),
        ),
        promised(PROMISED_MS),
      ] as const;
      for (const { slice } of turns) await slice(); // loads the handlers, and warms up
      const { stopRounds: rounds } = scale;
      rows.push(...(await compareStops({ turns: [...turns], rounds, title, percents: [50, 99] })));
    } finally {
      await Promise.all([ours.close(), theirs.close()]);
    }
  }
  return rows;
}

/** Threads that compute while a slice is measured, besides the one that is stopped. */
interface Busy {
  occupy(): Promise<void>;
  release(): Promise<void>;
}

function busy(field: Busy, { name, slice }: Turn<Samples>): Turn<Samples> {
  return {
    name,
    slice: async () => {
      await field.occupy();
      try {
        return await slice();
      } finally {
        await field.release();
      }
    },
  };
}

function pause(): Promise<void> {
  return sleep(1 + Math.random() * (LONGEST_PAUSE_MS - 1));
}

class BusyPool extends StopPool implements Busy {
  readonly #others: number;
  #spinning: StopRun[] = [];

  constructor(others: number) {
    super(others + 1);
    this.#others = others;
  }

  async occupy(): Promise<void> {
    this.#spinning = Array.from({ length: this.#others }, () => this.hand('poll'));
    await Promise.all(this.#spinning.map(({ running }) => running));
  }

  async release(): Promise<void> {
    for (const run of this.#spinning) this.stop(run);
    await Promise.all(this.#spinning.map(({ answer }) => answer));
  }

  async sample(handler: Extract<StopHandler, 'listen' | 'poll'>): Promise<number> {
    const run = this.hand(handler);
    await run.running;
    await pause();
    const told = nowMs();
    this.stop(run);
    return (await run.answer) - told;
  }
}

class BusyWorkers implements Busy {
  readonly #spinning: readonly BareWorker[];
  readonly #told = new BareWorker();

  constructor(others: number) {
    this.#spinning = Array.from({ length: others }, () => new BareWorker());
  }

  async start(): Promise<void> {
    await Promise.all([this.#told, ...this.#spinning].map(({ ready }) => ready));
  }

  async occupy(): Promise<void> {
    await Promise.all(this.#spinning.map((worker) => worker.begin('poll')));
  }

  async release(): Promise<void> {
    await Promise.all(this.#spinning.map((worker) => worker.stop('flag')));
  }

  async sample(order: 'listen' | 'poll'): Promise<number> {
    await this.#told.begin(order);
    await pause();
    const told = nowMs();
    return (await this.#told.stop(order === 'poll' ? 'flag' : 'message')) - told;
  }

  async close(): Promise<void> {
    await Promise.all([this.#told, ...this.#spinning].map((worker) => worker.terminate()));
  }
}
