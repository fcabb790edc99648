/** What a server says of itself. */
import type { ServerSettings } from '../config.ts';
import type { TaskRef } from '../task.ts';
import type { Composition } from './compose.ts';

/**
 * new -> starting -> active -> (stopped) -> closing -> closed. `stopped` pulls no new tasks but finishes the running
 * ones; a closed server cannot start again.
 */
export type ServerStatus = 'new' | 'starting' | 'active' | 'stopped' | 'closing' | 'closed';

/** What a server is doing now; for health checks and metrics. */
export interface ServerSnapshot {
  readonly status: ServerStatus;
  readonly threadsTotal: number;
  /** Threads that have started and live. */
  readonly threadsReady: number;
  readonly threadsBusy: number;
  /** Tasks in slots; not those that were leased ahead and wait for one. */
  readonly active: number;
  /** Of these, tasks whose thread was terminated and would not end. */
  readonly stuck: number;
  readonly isRedisUp: boolean;
  /** Why Redis, which answers, writes nothing now, in its own words. */
  readonly redisRefusal: string | undefined;
  /** Milliseconds since the heartbeat's last pass; `undefined` before the first. */
  readonly lastHeartbeatAgeMs: number | undefined;
}

/** How a shutdown ended. */
export interface ShutdownReport {
  /** Tasks whose code could not be stopped: it runs until the process ends, and they keep their lease till then. */
  readonly stillRunning: readonly TaskRef[];
}

/** The snapshot of a server; `inside` is there once it has begun to start. */
export function snapshotOf(
  status: ServerStatus,
  { threads: threadsTotal, concurrency }: Pick<ServerSettings, 'threads' | 'concurrency'>,
  inside: Composition | undefined,
): ServerSnapshot {
  return {
    status,
    threadsTotal,
    threadsReady: inside?.pool.ready ?? 0,
    threadsBusy: inside?.pool.busy ?? 0,
    active: Math.min(inside?.active.occupied ?? 0, concurrency),
    stuck: inside?.active.inSlots().filter(({ isStuck }) => isStuck).length ?? 0,
    isRedisUp: inside?.health.isRedisUp ?? false,
    redisRefusal: inside?.health.refusal,
    lastHeartbeatAgeMs: inside?.heartbeat.ageMs,
  };
}
