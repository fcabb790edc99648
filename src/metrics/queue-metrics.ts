/**
 * What Redis says about the queues, under the names of asynq's exporter. Every server that serves a queue reports the
 * same figures, so they are to be read with `max by (queue)`, never summed.
 */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { QueueInfo } from '../broker/broker.ts';
import type { TaskState } from '../task.ts';
import type { QueueReader } from './queue-reader.ts';

const ABOUT = 'Describes the queue, not this server: use max by (queue).';
const STATES: readonly TaskState[] = [
  'active',
  'pending',
  'scheduled',
  'retry',
  'archived',
  'completed',
];

/** Name, help and value of each gauge; types and names as asynq's exporter has them. */
const GAUGES: readonly (readonly [string, string, (info: QueueInfo) => number])[] = [
  ['asynq_queue_size', 'Tasks in the queue, in whatever state.', (info) => info.size],
  [
    'asynq_queue_latency_seconds',
    'Age of the oldest pending task.',
    (info) => info.latencyMs / 1000,
  ],
  [
    'asynq_queue_memory_usage_approx_bytes',
    'Memory used by the queue, from samples.',
    (info) => info.memoryBytes,
  ],
  ['asynq_queue_paused_total', '1 while the queue is paused.', (info) => Number(info.isPaused)],
];

const COUNTERS: readonly (readonly [string, string, (info: QueueInfo) => number])[] = [
  [
    'asynq_tasks_processed_total',
    'Attempts ever processed by all servers, failures included.',
    (info) => info.processedTotal,
  ],
  ['asynq_tasks_failed_total', 'Attempts ever failed on all servers.', (info) => info.failedTotal],
];

/** Registers the metrics; each scrape reads through the reader's cache. */
export function registerQueueMetrics(registry: Registry, reader: QueueReader): void {
  const registers = [registry];
  for (const [name, help, valueOf] of GAUGES) {
    new Gauge({
      name,
      help: `${help} ${ABOUT}`,
      labelNames: ['queue'],
      registers,
      async collect() {
        const { infos } = await reader.read();
        for (const info of infos) this.set({ queue: info.queue }, valueOf(info));
      },
    });
  }
  for (const [name, help, valueOf] of COUNTERS) {
    new Counter({
      name,
      help: `${help} ${ABOUT}`,
      labelNames: ['queue'],
      registers,
      async collect() {
        const { infos } = await reader.read();
        this.reset(); // the value is Redis's own running total: prom-client's counters can only be set by reset and inc
        for (const info of infos) this.inc({ queue: info.queue }, valueOf(info));
      },
    });
  }
  registerStates(registry, reader);
  registerStale(registry, reader);
}

function registerStates(registry: Registry, reader: QueueReader): void {
  new Gauge({
    name: 'asynq_tasks_enqueued_total',
    help: `Tasks in the queue by state. ${ABOUT}`,
    labelNames: ['queue', 'state'],
    registers: [registry],
    async collect() {
      const { infos } = await reader.read();
      for (const { queue, counts } of infos) {
        for (const state of STATES) this.set({ queue, state }, counts[state]);
      }
    },
  });
}

function registerStale(registry: Registry, reader: QueueReader): void {
  new Gauge({
    name: 'threadmill_queue_metrics_stale',
    help: '1 while queues cannot be read from Redis: the asynq_ metrics then show what was read last.',
    registers: [registry],
    async collect() {
      this.set(Number((await reader.read()).isStale));
    },
  });
}
