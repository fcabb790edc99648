/** Counters and times of aggregations, by queue: names of groups are without end. */
import { Counter, Histogram, type Registry } from 'prom-client';
import { onlyThese } from './labels.ts';
import type { MetricsSource } from './metrics-source.ts';

const RUN_BUCKETS = [0.001, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800];
const MS_PER_SECOND = 1000;

/** Registers the metrics and listens to the source's events. */
export function registerGroupMetrics(registry: Registry, source: MetricsSource): void {
  const queueLabel = onlyThese(source.queues);
  const counter = (name: string, help: string): Counter<'queue'> =>
    new Counter({ name, help, labelNames: ['queue'], registers: [registry] });
  const aggregations = new Counter({
    name: 'threadmill_aggregations_total',
    help: 'Calls of aggregate functions that ended, by outcome: ok or failed.',
    labelNames: ['queue', 'outcome'],
    registers: [registry],
  });
  const tasks = counter(
    'threadmill_tasks_aggregated_total',
    'Tasks of groups that became part of one.',
  );
  const reclaimed = counter(
    'threadmill_tasks_reclaimed_total',
    'Tasks back in their group, as the server that aggregated them was lost.',
  );
  const run = new Histogram({
    name: 'threadmill_aggregation_run_seconds',
    help: 'Run time of one call of an aggregate function, measured in its thread.',
    labelNames: ['queue'],
    buckets: RUN_BUCKETS,
    registers: [registry],
  });
  source.on('aggregated', ({ group, count, runMs }) => {
    const queue = queueLabel(group.queue);
    aggregations.inc({ queue, outcome: 'ok' });
    tasks.inc({ queue }, count);
    run.observe({ queue }, runMs / MS_PER_SECOND);
  });
  source.on('aggregationFailed', ({ group, runMs }) => {
    const queue = queueLabel(group.queue);
    aggregations.inc({ queue, outcome: 'failed' });
    if (runMs !== undefined) run.observe({ queue }, runMs / MS_PER_SECOND);
  });
  source.on('reclaimed', ({ group, count }) =>
    reclaimed.inc({ queue: queueLabel(group.queue) }, count),
  );
}
