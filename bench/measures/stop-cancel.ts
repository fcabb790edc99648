/** From `client.cancel` until the handler's code has stopped. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Server } from '../../src/index.ts';
import { freshQueue } from '../contenders/queue-name.ts';
import type { Row } from '../row.ts';
import { BareWorker } from '../stop/bare-worker.ts';
import { TIGHT_GRACE_MS } from '../stop/handlers/tight.ts';
import { LIMIT_MS } from '../stop/limit.ts';
import { nowMs } from '../work/first-line.ts';
import type { Bench } from './measure.ts';
import { compareStops, sampled } from './stop-rows.ts';

const HANDLERS = fileURLToPath(new URL('../stop/handlers', import.meta.url));
/** Lets what the start of the run set off come to rest. */
const SETTLE_MS = 10;
/** In the way of one thread's end stands the start of another. */
const TIGHT_SHARE = 2;

/** A handler that listens, one that looks, and one that does neither. */
export async function measureCancel(bench: Bench): Promise<Row[]> {
  const { stopRounds: rounds, stopsPerSlice: count } = bench.scale;
  const field = new CancelField(bench.redis.url);
  const worker = new BareWorker();
  try {
    await Promise.all([field.start(), worker.ready]);
    for (const type of ['listen', 'poll'] as const) await field.cooperative(type); // loads them
    const bare = async (order: 'listen' | 'poll'): Promise<number> => {
      await worker.begin(order);
      await sleep(SETTLE_MS);
      const told = nowMs();
      return (await worker.stop(order === 'poll' ? 'flag' : 'message')) - told;
    };
    const rows: Row[] = [];
    for (const [order, title, peer] of [
      ['listen', 'cancel to stopped, ctx.signal', 'bare Worker, postMessage'],
      ['poll', 'cancel to stopped, ctx.canceled in a loop', 'bare Worker, shared flag'],
    ] as const) {
      const ours = sampled('Threadmill', count, () => field.cooperative(order));
      const theirs = sampled(peer, count, () => bare(order));
      rows.push(...(await compareStops({ turns: [ours, theirs], rounds, title })));
    }
    const few = Math.ceil(count / TIGHT_SHARE);
    const ours = sampled('Threadmill', few, () => field.tight());
    const theirs = sampled('bare terminate()', few, terminateBare);
    const title = 'cancel to thread gone, tight loop, less the grace';
    return [...rows, ...(await compareStops({ turns: [ours, theirs], rounds, title }))];
  } finally {
    await worker.terminate();
    await field.close();
    await bench.redis.clean();
  }
}

async function terminateBare(): Promise<number> {
  const worker = new BareWorker();
  await worker.ready;
  await worker.begin('tight');
  await sleep(SETTLE_MS);
  const told = nowMs();
  await worker.terminate();
  return nowMs() - told;
}

/** A server in this process, and who cancels its tasks. */
class CancelField {
  readonly #client: Client;
  readonly #server: Server;
  readonly #queue = freshQueue();

  constructor(redisUrl: string) {
    this.#client = new Client({ redis: redisUrl });
    this.#server = new Server({
      redis: redisUrl,
      handlers: HANDLERS,
      queues: [this.#queue],
      concurrency: 1,
      logLevel: 'silent',
    });
  }

  start(): Promise<void> {
    return this.#server.start();
  }

  /** A handler that ends by itself: its answer is the instant at which it knew. */
  async cooperative(type: 'listen' | 'poll'): Promise<number> {
    const id = await this.#begin(type);
    const ended = this.#next('succeeded');
    const told = nowMs();
    await this.#client.cancel(id);
    await ended;
    const task = await this.#client.getTask({ queue: this.#queue, id });
    return Number(new TextDecoder().decode(task?.result)) - told;
  }

  /** One that does not: its thread has to go. */
  async tight(): Promise<number> {
    const id = await this.#begin('tight');
    const archived = this.#next('archived');
    const gone = this.#next('threadExited').then(nowMs);
    const told = nowMs();
    await this.#client.cancel(id);
    const [goneAt] = await Promise.all([gone, archived]);
    return goneAt - told - TIGHT_GRACE_MS;
  }

  async close(): Promise<void> {
    await this.#server.shutdown();
    await this.#client.close();
  }

  async #begin(type: string): Promise<string> {
    const running = this.#next('progress');
    const options = { queue: this.#queue, maxRetry: 0, retention: '1m' };
    const { id } = await this.#client.enqueue({ type }, options);
    await running;
    await sleep(SETTLE_MS);
    return id;
  }

  #next(name: 'archived' | 'progress' | 'succeeded' | 'threadExited'): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no event ${name}`)), LIMIT_MS);
      this.#server.once(name, () => {
        clearTimeout(timer);
        resolve(undefined);
      });
    });
  }
}
