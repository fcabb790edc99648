/** The three lists: their columns, and how a row looks. Pure. */
import type { Column } from './columns.ts';
import type { FailureRow, QueueRow, WorkerRow } from './model.ts';
import { ageText, countText, rateText } from './text.ts';

/** How a line is shown where there are colours. */
export type Look = 'plain' | 'bold' | 'dim' | 'good' | 'warn' | 'bad' | 'chosen' | 'alarm';

const right = 'right' as const;

/** Queues. */
export function queueColumns(served: ReadonlySet<string>): Column<QueueRow>[] {
  const count = (state: keyof QueueRow['counts']) => (row: QueueRow) =>
    countText(row.counts[state]);
  return [
    { head: 'QUEUE', rank: 0, text: ({ queue }) => queue },
    { head: 'STATE', width: 8, rank: 2, text: (row) => stateText(row, served) },
    { head: 'PENDING', width: 7, align: right, rank: 1, text: count('pending') },
    { head: 'ACTIVE', width: 6, align: right, rank: 3, text: count('active') },
    { head: 'SCHED', width: 5, align: right, rank: 7, text: count('scheduled') },
    { head: 'RETRY', width: 5, align: right, rank: 5, text: count('retry') },
    { head: 'ARCH', width: 5, align: right, rank: 6, text: count('archived') },
    {
      head: 'DONE/S',
      width: 6,
      align: right,
      rank: 4,
      text: (row) => rateText(row.processedPerSecond),
    },
    {
      head: 'FAIL/S',
      width: 6,
      align: right,
      rank: 5,
      text: (row) => rateText(row.failedPerSecond),
    },
    { head: 'LATENCY', width: 7, align: right, rank: 8, text: (row) => latencyText(row.latencyMs) },
    { head: 'GROUPED', width: 7, align: right, rank: 10, text: count('aggregating') },
    { head: 'KEPT', width: 5, align: right, rank: 9, text: count('completed') },
  ];
}

function stateText({ queue, isPaused }: QueueRow, served: ReadonlySet<string>): string {
  if (isPaused) return 'paused';
  return served.has(queue) ? 'running' : 'unserved';
}

function latencyText(ms: number): string {
  if (ms < 1) return '0';
  return ms < 1000 ? `${Math.round(ms)}ms` : ageText(ms);
}

/** Paused queues and those that nobody serves are to be seen. */
export function queueLook({ queue, isPaused, size }: QueueRow, served: ReadonlySet<string>): Look {
  if (isPaused) return 'warn';
  return size > 0 && !served.has(queue) ? 'bad' : 'plain';
}

/** Running tasks. */
export function workerColumns(now: Date): Column<WorkerRow>[] {
  return [
    { head: 'RUNNING', rank: 0, text: ({ type }) => type },
    { head: 'QUEUE', width: 12, rank: 3, text: ({ queue }) => queue },
    { head: 'TASK', width: 12, rank: 2, text: ({ taskId }) => taskId },
    { head: 'SERVER', rank: 4, text: ({ server }) => server },
    {
      head: 'FOR',
      width: 7,
      align: right,
      rank: 1,
      text: ({ startedAt }) => ageText(now.getTime() - startedAt.getTime()),
    },
    {
      head: 'LEFT',
      width: 7,
      align: right,
      rank: 5,
      text: ({ deadline }) => leftText(deadline, now),
    },
  ];
}

function leftText(deadline: Date | undefined, now: Date): string {
  return deadline === undefined ? '-' : ageText(deadline.getTime() - now.getTime());
}

/** Failed tasks. */
export function failureColumns(now: Date): Column<FailureRow>[] {
  return [
    {
      head: 'FAILED',
      width: 7,
      align: right,
      rank: 1,
      text: ({ failedAt }) => ageText(now.getTime() - failedAt.getTime()),
    },
    { head: 'TYPE', width: 16, rank: 2, text: ({ type }) => type },
    { head: 'QUEUE', width: 10, rank: 5, text: ({ queue }) => queue },
    { head: 'TASK', width: 8, rank: 6, text: ({ taskId }) => taskId },
    { head: 'STATE', width: 11, rank: 3, text: failureState },
    { head: 'ERROR', rank: 0, text: ({ error }) => error },
  ];
}

function failureState({ state, retried, maxRetry }: FailureRow): string {
  if (state === 'archived') return 'archived';
  return `retry ${retried}/${Number.isFinite(maxRetry) ? maxRetry : '∞'}`;
}
