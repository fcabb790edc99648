/**
 * The end of all tasks at shutdown: they may finish until `shutdownTimeout`; then each is told to stop, its thread is
 * terminated after the grace, and the task goes back to the front of its queue.
 */
import type { Clock } from '../clock.ts';
import type { TaskRef } from '../task.ts';
import type { ActiveTasks } from './active-tasks.ts';
import type { Service } from './service.ts';
import type { Stopper } from './stopper.ts';

/** What the drain works with. */
export interface DrainOptions {
  readonly active: ActiveTasks;
  readonly stopper: Pick<Stopper, 'stop'>;
  readonly clock: Clock;
  readonly shutdownTimeoutMs: number;
  readonly cancelGraceMs: number;
  /** Tasks whose code could not be stopped (a native call): they keep their lease until the process ends. */
  onStuck(tasks: readonly TaskRef[]): void;
}

/** What a thread may take to end beyond the grace. */
const TERMINATE_MS = 500;

/** A service that only stops. */
export function drain(options: DrainOptions): Service {
  const { active, stopper, shutdownTimeoutMs, cancelGraceMs, onStuck } = options;
  return {
    name: 'drain',
    start: () => undefined,
    async stop() {
      if (await emptied(options, shutdownTimeoutMs)) return;
      for (const task of active.inSlots()) stopper.stop(task, 'shutdown');
      if (await emptied(options, cancelGraceMs + TERMINATE_MS)) return;
      onStuck(active.inSlots().map((task) => task.ref));
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
