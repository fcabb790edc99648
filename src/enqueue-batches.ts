/**
 * Gathers what is to be enqueued in one turn of the loop into batches of one queue each. A call alone does not wait for
 * others: batches go when the turn's own work is done, before the loop looks at sockets or timers again. Batches that are
 * full go at once, so that Redis works on one while the next is made.
 */

/** Tasks that go with one script, in the order in which they were added. */
export interface EnqueueBatch<Item> {
  readonly queue: string;
  readonly items: Item[];
}

/** What can go into a batch. */
export interface BatchItem {
  readonly task: { readonly queue: string };
  readonly entry: { readonly message: Uint8Array };
  /** It goes by itself, under a name of its own. */
  readonly repeats?: unknown;
}

/** One script takes so many tasks at most, and about so many bytes, so that it never holds Redis for long. */
const MAX_BATCH = 500;
const MAX_BATCH_BYTES = 1_048_576;

interface OpenBatch<Item> extends EnqueueBatch<Item> {
  bytes: number;
}

/** Batches under way to be sent, one per queue. */
export class EnqueueBatches<Item extends BatchItem> {
  readonly #send: (batch: EnqueueBatch<Item>) => void;
  /** The oldest one is by itself: a map that fills and empties with every call of a lone queue would cost more. */
  #oldest: OpenBatch<Item> | undefined;
  readonly #others = new Map<string, OpenBatch<Item>>();
  #isDue = false;

  constructor(send: (batch: EnqueueBatch<Item>) => void) {
    this.#send = send;
  }

  /** Adds an item to the batch of its queue. Those of one queue are sent in the order in which they came. */
  add(item: Item): void {
    const { queue } = item.task;
    const bytes = item.entry.message.length;
    let batch = this.#oldest?.queue === queue ? this.#oldest : this.#others.get(queue);
    if (batch !== undefined && (item.repeats || batch.bytes + bytes > MAX_BATCH_BYTES)) {
      this.#close(batch);
      batch = undefined;
    }
    if (item.repeats) {
      this.#send({ queue, items: [item] });
    } else if (batch === undefined) {
      this.#begin({ queue, items: [item], bytes });
    } else {
      batch.items.push(item);
      batch.bytes += bytes;
      if (batch.items.length >= MAX_BATCH) this.#close(batch);
    }
  }

  /** Sends all that is there. */
  flush(): void {
    if (this.#oldest !== undefined) this.#close(this.#oldest);
    for (const batch of this.#others.values()) this.#close(batch);
  }

  #begin(batch: OpenBatch<Item>): void {
    if (this.#oldest === undefined) this.#oldest = batch;
    else this.#others.set(batch.queue, batch);
    this.#beDue();
  }

  #close(batch: EnqueueBatch<Item>): void {
    if (this.#oldest === batch) this.#oldest = undefined;
    else this.#others.delete(batch.queue);
    this.#send(batch);
  }

  #beDue(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    process.nextTick(this.#onTurnOver);
  }

  readonly #onTurnOver = (): void => {
    this.#isDue = false;
    this.flush();
  };
}
