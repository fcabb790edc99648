/** A thread with nothing round it: does by hand what a handler does, as fast as the machine can. */
import { once } from 'node:events';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { nowMs } from '../work/first-line.ts';

/** `listen` waits for the message `stop`, `poll` for the flag, `tight` for nothing. */
export type BareOrder = 'listen' | 'poll' | 'tight' | 'stop';

/** Says each step: at its start, when it begins an order, and the instant at which it was stopped. */
export class BareWorker {
  readonly #flag: Int32Array;
  readonly #worker: Worker;
  /** Resolves with the first message: it has loaded its module. */
  readonly ready: Promise<unknown>;

  constructor() {
    const memory = new SharedArrayBuffer(4);
    this.#flag = new Int32Array(memory);
    this.#worker = new Worker(new URL(import.meta.url), { workerData: memory });
    this.ready = once(this.#worker, 'message');
  }

  /** Resolves when the thread has begun what it was told. */
  async begin(order: Exclude<BareOrder, 'stop'>): Promise<void> {
    Atomics.store(this.#flag, 0, 0);
    const begun = once(this.#worker, 'message');
    this.#tell(order);
    await begun;
  }

  /** Stops what was begun, by message or by flag; answers the instant at which its code knew. */
  async stop(by: 'message' | 'flag'): Promise<number> {
    const stopped = once(this.#worker, 'message');
    if (by === 'flag') Atomics.store(this.#flag, 0, 1);
    else this.#tell('stop');
    const [atMs] = (await stopped) as [number];
    return atMs;
  }

  /** Resolves when the thread has exited. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #tell(order: BareOrder): void {
    this.#worker.postMessage(order);
  }
}

function runHere(port: NonNullable<typeof parentPort>, flag: Int32Array): void {
  port.on('message', (order: BareOrder) => {
    if (order === 'stop') return port.postMessage(nowMs());
    port.postMessage('begun');
    if (order === 'poll') {
      while (Atomics.load(flag, 0) === 0);
      port.postMessage(nowMs());
    } else if (order === 'tight') {
      for (;;);
    }
  });
  port.postMessage('ready');
}

if (parentPort !== null) runHere(parentPort, new Int32Array(workerData as SharedArrayBuffer));
