/**
 * The end of all tasks at shutdown: those that wait go back to the front of their queue at once; running ones may finish
 * until `shutdownTimeout`; then each is told to stop, its thread is terminated after the grace, and it goes back too.
 */
import type { Clock } from '../clock.ts';
import type { ActiveTasks } from './active-tasks.ts';
import type { Service } from './service.ts';
import type { Stopper } from './stopper.ts';

/** What the drain works with. */
export interface DrainOptions {
  readonly active: ActiveTasks;
  readonly stopper: Pick<Stopper, 'stop' | 'stopUnbegun' | 'declareStuck'>;
  readonly clock: Clock;
  readonly shutdownTimeoutMs: number;
  readonly cancelGraceMs: number;
}

/** What a thread may take to end beyond the grace; the rest of the last second is for the outcomes. */
const TERMINATE_MS = 500;

/** A service that only stops. Tasks whose code could not be stopped are `stuck`; nothing is written for them. */
export function drain(options: DrainOptions): Service {
  const { active, stopper, shutdownTimeoutMs, cancelGraceMs } = options;
  return {
    name: 'drain',
    start: () => undefined,
    async stop() {
      // The last one first: each goes to the front of its queue, where they lie in order then.
      for (const task of active.inSlots().toReversed()) stopper.stopUnbegun(task, 'shutdown');
      if (await emptied(options, shutdownTimeoutMs)) return;
      for (const task of active.inSlots().toReversed()) stopper.stop(task, 'shutdown');
      if (await emptied(options, cancelGraceMs + TERMINATE_MS)) return;
      for (const task of active.inSlots()) stopper.declareStuck(task);
    },
  };
}

/** Waits until no task is in a slot, at most so long. */
async function emptied({ active, clock }: DrainOptions, limitMs: number): Promise<boolean> {
  const until = clock.monotonicMs() + limitMs;
  while (active.occupied > 0) {
    const leftMs = until - clock.monotonicMs();
    if (leftMs <= 0) return false;
    await changedWithin(active, leftMs);
  }
  return true;
}

async function changedWithin(active: ActiveTasks, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const elapsed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([active.changed(), elapsed]);
  clearTimeout(timer);
}
