/** Composes all metrics of a server in a registry of its own. */
import { Gauge, Registry } from 'prom-client';
import type { Clock } from '../clock.ts';
import { registerGroupMetrics } from './group-metrics.ts';
import { type LoopLag, startLoopLag } from './loop-lag.ts';
import type { MetricsSource } from './metrics-source.ts';
import { registerNodeMetrics } from './node-metrics.ts';
import { registerQueueMetrics } from './queue-metrics.ts';
import { QueueReader } from './queue-reader.ts';
import { registerTaskMetrics } from './task-metrics.ts';

/** How metrics are made. */
export interface MetricsOptions {
  /** Queues that are read from Redis at each scrape: `true` the configured ones (default), `false` none, or these. */
  readonly queueMetrics?: boolean | readonly string[];
  readonly clock?: Clock;
}

/** Metrics of one server. */
export interface Metrics {
  readonly registry: Registry;
  /** The exposition text and its content type. Redis being away does not fail it. */
  scrape(): Promise<{ readonly contentType: string; readonly body: string }>;
  readonly loopLag: LoopLag;
  /** Stops measuring. The registry can still be read. */
  stop(): void;
}

/** Starts to listen and to measure. Create it before `server.start()`, so that nothing is missed. */
export function createMetrics(
  source: MetricsSource,
  { queueMetrics = true, clock }: MetricsOptions = {},
): Metrics {
  const registry = new Registry();
  const loopLag = startLoopLag();
  registerNodeMetrics(registry, loopLag);
  registerTaskMetrics(registry, source);
  registerGroupMetrics(registry, source);
  registerLoopLag(registry, loopLag);
  const queues = queueMetrics === true ? source.queues : queueMetrics === false ? [] : queueMetrics;
  if (queues.length > 0) {
    registerQueueMetrics(
      registry,
      new QueueReader(queues, (queue) => source.queueInfo(queue), clock),
    );
  }
  return {
    registry,
    loopLag,
    scrape: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
    stop: () => loopLag.stop(),
  };
}

function registerLoopLag(registry: Registry, loopLag: LoopLag): void {
  new Gauge({
    name: 'threadmill_event_loop_lag_seconds',
    help: 'How long the main loop did not turn, over the last ten to twenty seconds.',
    labelNames: ['stat'],
    aggregator: 'max', // where several processes are summed up, the worst counts
    registers: [registry],
    collect() {
      const reading = loopLag.read();
      this.set({ stat: 'mean' }, reading.mean / 1000);
      this.set({ stat: 'p99' }, reading.p99 / 1000);
      this.set({ stat: 'max' }, reading.max / 1000);
    },
  });
}
