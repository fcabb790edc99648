/** What a pass looks like to people. Pure: text out. */
import Table from 'cli-table3';
import type { PassResult, TypeTally } from './pass.ts';

/** The value below which `share` (0 to 1) of the sorted values lie; 0 for none. Nearest rank. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

/** A table with a row per task type, without colours. */
export function typeTable({ byType, elapsedMs }: PassResult): string {
  const table = new Table({
    head: ['task type', 'succeeded', 'failures', 'retries', 'archived', 'p50', 'p95', 'tasks/s'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [] },
  });
  const rows = [...byType].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [type, tally] of rows) table.push([type, ...figures(tally, elapsedMs)]);
  table.push(['all', ...figures(total(byType), elapsedMs)]);
  return table.toString();
}

function figures(tally: TypeTally, elapsedMs: number): string[] {
  const { runMs, failures, retries, archived } = tally;
  return [
    String(runMs.length),
    String(failures),
    String(retries),
    String(archived),
    `${percentile(runMs, 0.5).toFixed(0)} ms`,
    `${percentile(runMs, 0.95).toFixed(0)} ms`,
    (runMs.length / (elapsedMs / 1_000)).toFixed(1),
  ];
}

function total(byType: ReadonlyMap<string, TypeTally>): TypeTally {
  const all: TypeTally = { runMs: [], failures: 0, retries: 0, archived: 0 };
  for (const tally of byType.values()) {
    all.runMs.push(...tally.runMs);
    all.failures += tally.failures;
    all.retries += tally.retries;
    all.archived += tally.archived;
  }
  return all;
}

/** How much faster several threads were than one, and how that was measured. */
export function speedUp(pool: PassResult, one: PassResult): string {
  const ratio = one.elapsedMs / pool.elapsedMs;
  return [
    `${seconds(pool.elapsedMs)} on ${pool.threads} threads, ${seconds(one.elapsedMs)} on one:`,
    `${ratio.toFixed(2)} times as fast`,
    '(the same tasks through the same server with CONCURRENCY=1, first start to last end)',
  ].join(' ');
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

const EXCERPT =
  /^(threadmill_tasks_(processed|failed|retried)_total|threadmill_task_run_seconds_(sum|count)|threadmill_threads_(busy|total)|asynq_queue_size|asynq_tasks_(processed|failed)_total|asynq_tasks_enqueued_total\{.*completed)/;

/** The lines of `/metrics` that a first reader wants to see. */
export function metricsExcerpt(metrics: string): string {
  const lines = metrics.split('\n').filter((line) => EXCERPT.test(line));
  return lines.map((line) => `  ${line}`).join('\n');
}
