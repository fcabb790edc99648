/** Counters and histograms of what this server did with its tasks, fed by its events. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { TaskRef } from '../task.ts';
import { firstOnly, MAX_TYPES, onlyThese } from './labels.ts';
import type { MetricsSource } from './metrics-source.ts';
import { type LabelsOf, TASK_LABELS, type TaskSeriesSet, taskSeries } from './task-series.ts';

const MS_PER_SECOND = 1000;

/** Registers the metrics and listens to the source's events. */
export function registerTaskMetrics(registry: Registry, source: MetricsSource): void {
  const typeLabel = firstOnly(MAX_TYPES);
  const queueLabel = onlyThese(source.queues);
  const labelsOf = ({ queue, type }: TaskRef): { queue: string; type: string } => ({
    queue: queueLabel(queue),
    type: typeLabel(type),
  });
  const series = taskSeries(labelsOf);
  countOutcomes(registry, source, labelsOf, series);
  countOddities(registry, source, queueLabel);
  series.registerIn(registry);
  observeTimes(source, series);
  registerGauges(registry, source);
}

/** Processed and failed grow exactly when the queue's own counters do: on a confirmed, counted settlement. */
function countOutcomes(
  registry: Registry,
  source: MetricsSource,
  labelsOf: LabelsOf,
  series: TaskSeriesSet,
): void {
  const counter = (name: string, help: string): Counter<'queue' | 'type'> =>
    new Counter({
      name: `threadmill_tasks_${name}_total`,
      help,
      labelNames: TASK_LABELS,
      registers: [registry],
    });
  const processed = countProcessed(registry, series);
  const failed = counter('failed', 'Failed attempts.');
  const retried = counter('retried', 'Failed attempts that are tried again.');
  const archived = counter('archived', 'Failed attempts after which the task was archived.');
  const revoked = counter('revoked', 'Attempts that dropped their task.');
  const requeued = new Counter({
    name: 'threadmill_tasks_requeued_total',
    help: 'Attempts that count as neither success nor failure, by reason.',
    labelNames: [...TASK_LABELS, 'reason'],
    registers: [registry],
  });
  const countAll = (task: TaskRef, counters: readonly Counter<'queue' | 'type'>[]): void => {
    const labels = labelsOf(task);
    for (const each of counters) each.inc(labels);
  };
  countFailures(registry, source);
  source.on('succeeded', ({ task }) => {
    series.of(task).succeeded += 1;
  });
  source.on('revoked', ({ task }) => countAll(task, [processed, revoked]));
  source.on('archived', ({ task }) => countAll(task, [processed, failed, archived]));
  source.on('retried', ({ task, counts, reason }) => {
    if (counts) countAll(task, [processed, failed, retried]);
    else requeued.inc({ ...labelsOf(task), reason });
  });
  source.on('requeued', ({ task, reason }) => requeued.inc({ ...labelsOf(task), reason }));
}

/** By reason alone: with queue and type as well there would be too many series. */
function countFailures(registry: Registry, source: MetricsSource): void {
  const failures = new Counter({
    name: 'threadmill_failures_total',
    help: 'Failed attempts, by what they failed of.',
    labelNames: ['reason'],
    registers: [registry],
  });
  source.on('failed', ({ reason }) => failures.inc({ reason }));
}

/** What should be rare: each deserves an alert of its own. */
function countOddities(
  registry: Registry,
  source: MetricsSource,
  queueLabel: (queue: string) => string,
): void {
  const counter = (name: string, help: string): Counter<'queue'> =>
    new Counter({
      name: `threadmill_tasks_${name}_total`,
      help,
      labelNames: ['queue'],
      registers: [registry],
    });
  const dropped = counter('dropped', 'Task IDs without a task, taken out of a queue.');
  const undecodable = counter(
    'undecodable',
    'Tasks archived because their bytes could not be read.',
  );
  const lost = counter('lost', 'Attempts whose outcome was not written, as the lease was gone.');
  const stopped = new Counter({
    name: 'threadmill_tasks_stopped_total',
    help: 'Running tasks that were told to stop, by reason.',
    labelNames: ['reason'],
    registers: [registry],
  });
  const threads = new Counter({
    name: 'threadmill_threads_exited_total',
    help: 'Threads that ended and were replaced.',
    registers: [registry],
  });
  source.on('dropped', ({ queue }) => dropped.inc({ queue: queueLabel(queue) }));
  source.on('lost', ({ task }) => lost.inc({ queue: queueLabel(task.queue) }));
  source.on('failed', ({ task, reason }) => {
    if (reason === 'undecodable') undecodable.inc({ queue: queueLabel(task.queue) });
  });
  countDeaths(registry, source, counter, queueLabel);
  source.on('stopping', ({ reason }) => stopped.inc({ reason }));
  source.on('threadExited', () => threads.inc());
}

function countDeaths(
  registry: Registry,
  source: MetricsSource,
  counter: (name: string, help: string) => Counter<'queue'>,
  queueLabel: (queue: string) => string,
): void {
  const crashed = counter(
    'crashed',
    'Attempts that ended the thread or process that ran nothing else.',
  );
  const stuck = new Counter({
    name: 'threadmill_tasks_stuck_total',
    help: 'Stopped tasks whose thread was not gone a second after its termination, by reason.',
    labelNames: ['reason'],
    registers: [registry],
  });
  const late = new Counter({
    name: 'threadmill_late_errors_total',
    help: 'Errors that nobody caught, of tasks that had ended.',
    registers: [registry],
  });
  source.on('crashed', ({ task }) => crashed.inc({ queue: queueLabel(task.queue) }));
  source.on('stuck', ({ reason }) => stuck.inc({ reason }));
  source.on('lateError', () => late.inc());
}

/** Successes are counted in the series and come to the counter when it is read; the rest is rarer and counted in it. */
function countProcessed(registry: Registry, series: TaskSeriesSet): Counter<'queue' | 'type'> {
  return new Counter({
    name: 'threadmill_tasks_processed_total',
    help: 'Settled attempts, failures included, as asynq counts.',
    labelNames: TASK_LABELS,
    registers: [registry],
    collect() {
      for (const each of series.all) {
        if (each.succeeded > 0) this.inc({ ...each.labels }, each.succeeded);
        each.succeeded = 0;
      }
    },
  });
}

function observeTimes(source: MetricsSource, series: TaskSeriesSet): void {
  const observeRun = (task: TaskRef, runMs: number | undefined): void => {
    if (runMs !== undefined) series.of(task).run.observe(runMs / MS_PER_SECOND);
  };
  source.on('succeeded', ({ task, runMs }) => observeRun(task, runMs));
  source.on('revoked', ({ task, runMs }) => observeRun(task, runMs));
  source.on('failed', ({ task, runMs, reason }) => {
    if (reason !== 'not_found') observeRun(task, runMs); // nothing ran: a zero would only blur the picture
  });
  source.on('started', ({ task, waitMs }) => {
    if (waitMs !== undefined) series.of(task).wait.observe(Math.max(0, waitMs) / MS_PER_SECOND);
  });
}

function registerGauges(registry: Registry, source: MetricsSource): void {
  const gauge = (name: string, help: string, read: () => number): void => {
    // Constructing it registers it; prom-client calls `collect` at each scrape.
    new Gauge({
      name: `threadmill_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  };
  gauge('tasks_in_progress', 'Tasks that run now.', () => source.snapshot().active);
  gauge(
    'tasks_stuck',
    'Tasks whose thread would not end; their slots are taken.',
    () => source.snapshot().stuck,
  );
  gauge('threads_busy', 'Threads that run a task now.', () => source.snapshot().threadsBusy);
  gauge('threads_total', 'Threads of the pool.', () => source.snapshot().threadsTotal);
}
