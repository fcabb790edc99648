/** Replaces threads that have run long enough, one at a time, so that never more than one is missing. */
import type { Logger } from 'pino';
import { recycleDue, type RecycleLimits } from '../policy/recycle.ts';
import type { ThreadPool } from '../threads/thread-pool.ts';
import { every } from './every.ts';
import type { ServerEmitter } from './emitter.ts';
import type { Service } from './service.ts';

/** What the recycler works with. */
export interface RecyclerOptions {
  readonly pool: Pick<ThreadPool, 'threads' | 'retire'>;
  readonly emitter: ServerEmitter;
  readonly logger: Logger;
  /** Absent: threads are kept. */
  readonly recycle?: RecycleLimits;
}

const LOOK_EVERY_MS = 500;

/** The memory of the process may lie elsewhere: a young thread is not replaced for it, or it would never end. */
const YOUNG_MS = 60_000;

/** The service of a library's server; under a supervisor whole children are replaced instead. */
export function recycler(options: RecyclerOptions): Service {
  const { recycle, emitter } = options;
  const name = 'recycler';
  if (recycle === undefined) return { name, start: () => undefined, stop: () => undefined };
  let pass: Promise<void> | undefined;
  return every({
    name,
    intervalMs: LOOK_EVERY_MS,
    // Not awaited by the loop: a thread's task may take long, and a stop of the service must not wait for it.
    run: async () => {
      pass ??= retireOne(options, recycle)
        .catch((error: unknown) => emitter.fault(name, error))
        .finally(() => {
          pass = undefined;
        });
    },
    onFault: (where, error) => emitter.fault(where, error),
  });
}

async function retireOne({ pool, logger }: RecyclerOptions, limits: RecycleLimits): Promise<void> {
  const rssBytes = process.memoryUsage.rss();
  for (const { threadId, runsDone, ageMs } of pool.threads()) {
    const reason = recycleDue({ tasks: runsDone, rssBytes, ageMs }, limits);
    if (reason === undefined || (reason === 'rss' && ageMs < YOUNG_MS)) continue;
    logger.info({ threadId, reason, runsDone, ageMs: Math.round(ageMs) }, 'replacing thread');
    await pool.retire(threadId);
    return;
  }
}
