/**
 * From which queues to take how many tasks. Weighted order has the long-run shares of asynq (protocol 16.3): there every
 * pull shuffles a list in which each queue stands as often as its priority says, so queue i comes first with
 * probability p_i / sum(p), and after it the next one by the same rule among the rest. That is sampling by weight
 * without replacement, which is what is done here, without building the list.
 *
 * The dispatcher fills many slots at once: `drawQueues` gives every slot its first choice; the queues that came back
 * short are taken out of the candidates, and the slots left over are drawn again among the rest. A slot thus gets the
 * queue that asynq's order would have given it, with one round trip per queue instead of one per slot and queue.
 * No queue starves in weighted order: each slot goes to any given candidate with a probability above 0.
 */

/** What both functions need. */
export interface QueueOrderOptions {
  /** Queues that may have tasks, with their priorities: whole numbers of 1 or more. */
  readonly queues: ReadonlyMap<string, number>;
  /** Strict order: a queue is looked at only when all of higher priority are empty. */
  readonly strict: boolean;
  /** Uniform in [0, 1), like `Math.random`. */
  readonly random: () => number;
}

/**
 * How many slots to fill from which queue; the numbers add up to `slots`, queues that get none are left out. Strict
 * order gives all of them to the highest priority (of several, the first one). Without candidates the map is empty.
 */
export function drawQueues(
  options: QueueOrderOptions & { readonly slots: number },
): Map<string, number> {
  const { queues, slots, strict, random } = options;
  const draws = new Map<string, number>();
  if (queues.size === 0 || slots <= 0) return draws;
  if (strict || queues.size === 1) return draws.set(highestQueue(queues), slots);
  const total = totalWeight(queues);
  for (let slot = 0; slot < slots; slot += 1) {
    const queue = pickQueue(queues, random() * total);
    draws.set(queue, (draws.get(queue) ?? 0) + 1);
  }
  return draws;
}

/** All queues in the order in which one pull looks at them: by weight, or by descending priority when strict. */
export function queueOrder(options: QueueOrderOptions): string[] {
  const rest = new Map(options.queues);
  const order: string[] = [];
  while (rest.size > 0) {
    const queue = options.strict
      ? highestQueue(rest)
      : pickQueue(rest, options.random() * totalWeight(rest));
    order.push(queue);
    rest.delete(queue);
  }
  return order;
}

/** Sum of the priorities. */
export function totalWeight(queues: ReadonlyMap<string, number>): number {
  let total = 0;
  for (const weight of queues.values()) total += weight;
  return total;
}

/** The queue in whose stretch of the line of weights `point` lies. */
export function pickQueue(queues: ReadonlyMap<string, number>, point: number): string {
  let end = 0;
  let last = '';
  for (const [queue, weight] of queues) {
    end += weight;
    if (point < end) return queue;
    last = queue;
  }
  return last; // rounding may put the point at the very end
}

/** The queue of the highest priority; of several, the first one. */
export function highestQueue(queues: ReadonlyMap<string, number>): string {
  let best = '';
  let bestWeight = Number.NEGATIVE_INFINITY;
  for (const [queue, weight] of queues) {
    if (weight > bestWeight) {
      best = queue;
      bestWeight = weight;
    }
  }
  return best;
}
