/** What metrics note of every task: plain numbers per queue and type, found with two look-ups. */
import type { Registry } from 'prom-client';
import type { TaskRef } from '../task.ts';
import { type Tally, TallyHistogram } from './tally-histogram.ts';

const RUN_BUCKETS = [
  0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 1800,
];
const WAIT_BUCKETS = [
  0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400,
];
/** Labels of what is counted per task. */
export const TASK_LABELS = ['queue', 'type'] as const;

/** Values of these. */
export interface Labels {
  readonly queue: string;
  readonly type: string;
}

/** Makes the labels of a task, bounded in number. */
export type LabelsOf = (task: TaskRef) => Labels;

/** The numbers of one queue and type. */
export interface TaskSeries {
  readonly labels: Labels;
  readonly run: Tally;
  /** Of the whole queue. */
  readonly wait: Tally;
  /** Not yet in the counter. */
  succeeded: number;
}

/** All of them. */
export interface TaskSeriesSet {
  /** The one of a task, made where there is none. */
  of(task: TaskRef): TaskSeries;
  readonly all: Iterable<TaskSeries>;
  /** Lets the registry show both histograms. */
  registerIn(registry: Registry): void;
}

/** Makes the set, with both of its histograms. */
export function taskSeries(labelsOf: LabelsOf): TaskSeriesSet {
  const run = new TallyHistogram({
    name: 'threadmill_task_run_seconds',
    help: 'Run time of one attempt, measured in its thread.',
    labelNames: TASK_LABELS,
    buckets: RUN_BUCKETS,
  });
  const wait = new TallyHistogram({
    name: 'threadmill_task_wait_seconds',
    help: 'Time from becoming pending to the start of the attempt, where known.',
    labelNames: ['queue'],
    buckets: WAIT_BUCKETS,
  });
  const waits = new Map<string, Tally>();
  const byLabels = new Map<string, Map<string, TaskSeries>>();
  const all: TaskSeries[] = [];
  const series = (labels: Labels): TaskSeries => {
    const { queue } = labels;
    const waited = waits.get(queue) ?? wait.series({ queue });
    waits.set(queue, waited);
    const made = { labels, run: run.series(labels), wait: waited, succeeded: 0 };
    all.push(made);
    return made;
  };
  return {
    all,
    of: (task) => getOrAdd(byLabels, task, labelsOf, series),
    registerIn: (registry) => {
      run.registerIn(registry);
      wait.registerIn(registry);
    },
  };
}

/**
 * By label, not by what the task says: those are bounded. Queue and type of nearly every task are their own labels, so
 * that these are made only where no series has these names.
 */
function getOrAdd(
  byLabels: Map<string, Map<string, TaskSeries>>,
  task: TaskRef,
  labelsOf: LabelsOf,
  make: (labels: Labels) => TaskSeries,
): TaskSeries {
  const known = byLabels.get(task.queue)?.get(task.type);
  if (known !== undefined) return known;
  const labels = labelsOf(task);
  const ofQueue = byLabels.get(labels.queue) ?? new Map<string, TaskSeries>();
  byLabels.set(labels.queue, ofQueue);
  const series = ofQueue.get(labels.type) ?? make(labels);
  ofQueue.set(labels.type, series);
  return series;
}
