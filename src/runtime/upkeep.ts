/** The periodic duties towards the configured queues: forwarder and janitor (protocol 10.1, 10.3). */
import type { Broker } from '../broker/broker.ts';
import { every } from './every.ts';
import { QuietQueues } from './quiet-queues.ts';
import type { Service } from './service.ts';

/** What forwarder and janitor work with. */
export interface UpkeepOptions {
  readonly broker: Pick<Broker, 'forward' | 'expireCompleted' | 'watchQueues'>;
  readonly queues: readonly string[];
  readonly intervalMs: number;
  onFault(where: string, error: unknown): void;
}

/** Moves due scheduled and retry tasks to pending; calls `onMoved` when it moved any. */
export function forwarder(options: UpkeepOptions & { onMoved(): void }): Service {
  const { broker, intervalMs, onFault, onMoved } = options;
  const quiet = new QuietQueues({ ...options, duty: 'forward' });
  return every({
    name: 'forwarder',
    intervalMs,
    isImmediate: true,
    onFault,
    run: async () => {
      const due = await quiet.due();
      const moved = await Promise.all(due.map((queue) => untilNone(() => broker.forward(queue))));
      if (moved.some((count) => count > 0)) onMoved();
    },
  });
}

/** Deletes completed tasks whose retention is over. */
export function janitor(options: UpkeepOptions): Service {
  const { broker, intervalMs, onFault } = options;
  const quiet = new QuietQueues({ ...options, duty: 'expire' });
  return every({
    name: 'janitor',
    intervalMs,
    onFault,
    run: async () => {
      const due = await quiet.due();
      await Promise.all(due.map((queue) => untilNone(() => broker.expireCompleted(queue))));
    },
  });
}

/** One call of the script is bounded, so that it never holds Redis for long; the whole goes on until nothing is left. */
async function untilNone(step: () => Promise<number>): Promise<number> {
  let total = 0;
  for (;;) {
    const count = await step();
    total += count;
    if (count === 0) return total;
  }
}
