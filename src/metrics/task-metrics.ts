/** Counters and histograms of what this server did with its tasks, fed by its events. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { TaskRef } from '../task.ts';
import { firstOnly, MAX_TYPES, onlyThese } from './labels.ts';
import type { MetricsSource } from './metrics-source.ts';

const RUN_BUCKETS = [
  0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 1800,
];
const WAIT_BUCKETS = [
  0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400,
];
const TASK_LABELS = ['queue', 'type'] as const;
const MS_PER_SECOND = 1000;

/** Registers the metrics and listens to the source's events. */
export function registerTaskMetrics(registry: Registry, source: MetricsSource): void {
  const typeLabel = firstOnly(MAX_TYPES);
  const queueLabel = onlyThese(source.queues);
  const labelsOf = ({ queue, type }: TaskRef): { queue: string; type: string } => ({
    queue: queueLabel(queue),
    type: typeLabel(type),
  });
  countOutcomes(registry, source, labelsOf);
  countOddities(registry, source, queueLabel);
  observeTimes(registry, source, labelsOf);
  registerGauges(registry, source);
}

type LabelsOf = (task: TaskRef) => { queue: string; type: string };

/** Processed and failed grow exactly when the queue's own counters do: on a confirmed, counted settlement. */
function countOutcomes(registry: Registry, source: MetricsSource, labelsOf: LabelsOf): void {
  const counter = (name: string, help: string): Counter<'queue' | 'type'> =>
    new Counter({
      name: `threadmill_tasks_${name}_total`,
      help,
      labelNames: TASK_LABELS,
      registers: [registry],
    });
  const processed = counter('processed', 'Settled attempts, failures included, as asynq counts.');
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
  source.on('succeeded', ({ task }) => countAll(task, [processed]));
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

function observeTimes(registry: Registry, source: MetricsSource, labelsOf: LabelsOf): void {
  const run = new Histogram({
    name: 'threadmill_task_run_seconds',
    help: 'Run time of one attempt, measured in its thread.',
    labelNames: TASK_LABELS,
    buckets: RUN_BUCKETS,
    registers: [registry],
  });
  const wait = new Histogram({
    name: 'threadmill_task_wait_seconds',
    help: 'Time from becoming pending to the start of the attempt, where known.',
    labelNames: ['queue'],
    buckets: WAIT_BUCKETS,
    registers: [registry],
  });
  const observeRun = (task: TaskRef, runMs: number | undefined): void => {
    if (runMs !== undefined) run.observe(labelsOf(task), runMs / MS_PER_SECOND);
  };
  source.on('succeeded', ({ task, runMs }) => observeRun(task, runMs));
  source.on('revoked', ({ task, runMs }) => observeRun(task, runMs));
  source.on('failed', ({ task, runMs, reason }) => {
    if (reason !== 'not_found') observeRun(task, runMs); // nothing ran: a zero would only blur the picture
  });
  source.on('started', ({ task, waitMs }) => {
    if (waitMs !== undefined)
      wait.observe({ queue: labelsOf(task).queue }, Math.max(0, waitMs) / MS_PER_SECOND);
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
