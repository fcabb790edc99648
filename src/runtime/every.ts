/** The one loop behind every periodic service: no second pass begins before the first has ended. */
import { actAfter } from './common-instants.ts';
import type { Service } from './service.ts';

/** What `every` takes. */
export interface EveryOptions {
  readonly name: string;
  readonly intervalMs: number;
  /** One pass. A rejection is reported and the loop goes on. */
  run(): Promise<void>;
  onFault(where: string, error: unknown): void;
  /** Whether the first pass runs within `start()`. Default false: one interval later. */
  readonly isImmediate?: boolean;
}

/**
 * A service that calls `run` again and again, `intervalMs` after the last pass ended, or up to 250 ms earlier where that is
 * 500 or more (see `actAfter`). `stop` waits for a running pass.
 */
export function every(options: EveryOptions): Service {
  const { name, intervalMs, run, onFault } = options;
  let callOff: (() => void) | undefined;
  let pass: Promise<void> = Promise.resolve();
  /** Each start is a life of its own: a pass of an earlier one, ended late, must not go on in the next. */
  let life: object | undefined;

  const runOnce = async (mine: object): Promise<void> => {
    try {
      await run();
    } catch (error) {
      onFault(name, error);
    }
    if (life === mine) callOff = actAfter(intervalMs, () => tick(mine));
  };
  const tick = (mine: object): void => {
    pass = runOnce(mine);
  };

  return {
    name,
    async start() {
      if (life !== undefined) return;
      const mine = {};
      life = mine;
      await pass;
      if (life !== mine) return;
      if (options.isImmediate === true) {
        tick(mine);
        await pass;
      } else {
        callOff = actAfter(intervalMs, () => tick(mine));
      }
    },
    async stop() {
      life = undefined;
      callOff?.();
      await pass;
    },
  };
}
