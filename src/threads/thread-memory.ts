import { Worker } from 'node:worker_threads';

/** What one thread uses. */
export interface ThreadMemory {
  readonly threadId: number;
  /** Heap in use and what lies outside of it: Buffers, ArrayBuffers, memory of WebAssembly; not SharedArrayBuffers. */
  readonly bytes: number;
}

/** A thread to be asked. */
export interface MeasuredThread {
  readonly threadId: number;
  readonly worker: Worker;
}

interface HeapStatistics {
  readonly used_heap_size: number;
  readonly external_memory: number;
}

/** Node 22.16 and 24 have it, Node 20 has not. */
type Measurable = Worker & { getHeapStatistics(): Promise<HeapStatistics> };

/** A thread in a native call answers only when that returns; the others must not wait for it. */
const ANSWER_LIMIT_MS = 200;

/** Asks threads for their memory. Works while their code spins, as V8 answers between two instructions. */
export class MemoryProbe {
  /** Asked without an answer so far: asking again would only pile up questions. */
  readonly #silent = new WeakSet<Worker>();

  /** `undefined` when this Node cannot tell. Leaves out threads that end or do not answer within 200 ms. Never rejects. */
  async measure(threads: readonly MeasuredThread[]): Promise<readonly ThreadMemory[] | undefined> {
    if (!('getHeapStatistics' in Worker.prototype)) return undefined;
    const asked = threads.filter(({ worker }) => !this.#silent.has(worker));
    const answers = await Promise.all(asked.map((thread) => this.#ask(thread)));
    return answers.filter((answer) => answer !== undefined);
  }

  #ask({ threadId, worker }: MeasuredThread): Promise<ThreadMemory | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ANSWER_LIMIT_MS, undefined);
      const answer = (memory?: ThreadMemory): void => {
        this.#silent.delete(worker);
        clearTimeout(timer);
        resolve(memory);
      };
      this.#silent.add(worker);
      (worker as Measurable).getHeapStatistics().then(
        (heap) => answer({ threadId, bytes: heap.used_heap_size + heap.external_memory }),
        () => answer(),
      );
    });
  }
}
