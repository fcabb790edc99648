/** What metrics need of a server: its events, a snapshot, and a look at a queue. `Server` has all of it. */
import type { QueueInfo } from '../broker/broker.ts';
import type { ServerEvents } from '../runtime/events.ts';

/** Figures of the moment. */
export interface MetricsSnapshot {
  readonly threadsTotal: number;
  readonly threadsBusy: number;
  /** Tasks that run now. */
  readonly active: number;
  /** Of these, tasks whose thread would not end. */
  readonly stuck: number;
}

/** The narrow face of a server. */
export interface MetricsSource {
  on<Name extends keyof ServerEvents>(
    event: Name,
    listener: (event: ServerEvents[Name][0]) => void,
  ): unknown;
  snapshot(): MetricsSnapshot;
  /** Names of the configured queues: the only ones that become labels. */
  readonly queues: readonly string[];
  queueInfo(queue: string): Promise<QueueInfo>;
}
