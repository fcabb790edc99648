/** Which columns a list of tasks has, by the state that they are in. */
import type { ListedTask } from '../../inspector/types.ts';
import type { TaskState } from '../../task.ts';
import type { Column } from '../output/table.ts';
import { bytesText, relativeText } from '../output/text.ts';

/** A column, and how it reads a task. */
export interface TaskColumn extends Column {
  readonly cell: (task: ListedTask) => string;
}

const ID: TaskColumn = { head: 'id', cell: ({ id }) => id };
const TYPE: TaskColumn = { head: 'type', isFlexible: true, cell: ({ type }) => type };
const PAYLOAD: TaskColumn = {
  head: 'payload',
  isFlexible: true,
  cell: ({ payload }) => bytesText(payload),
};
const ERROR: TaskColumn = {
  head: 'last error',
  isFlexible: true,
  cell: ({ lastError }) => lastError ?? '',
};
const FAILED: TaskColumn = { head: 'failed', cell: ({ lastFailedAt }) => since(lastFailedAt) };
const DUE: TaskColumn = { head: 'due', cell: ({ nextProcessAt }) => since(nextProcessAt) };
const RETRIED: TaskColumn = {
  head: 'retried',
  align: 'right',
  cell: ({ retried, maxRetry }) => `${retried}/${Number.isFinite(maxRetry) ? maxRetry : 'any'}`,
};
const ORPHANED: TaskColumn = {
  head: 'held',
  cell: ({ isOrphaned }) => (isOrphaned === true ? 'by nobody' : 'yes'),
};
const COMPLETED: TaskColumn = { head: 'completed', cell: ({ completedAt }) => since(completedAt) };
const RESULT: TaskColumn = {
  head: 'result',
  isFlexible: true,
  cell: ({ result }) => bytesText(result),
};

const COLUMNS: Readonly<Record<TaskState, readonly TaskColumn[]>> = {
  active: [ID, TYPE, PAYLOAD, ORPHANED],
  pending: [ID, TYPE, PAYLOAD],
  scheduled: [ID, TYPE, PAYLOAD, DUE],
  retry: [ID, TYPE, PAYLOAD, DUE, RETRIED, ERROR],
  archived: [ID, TYPE, PAYLOAD, FAILED, ERROR],
  completed: [ID, TYPE, PAYLOAD, COMPLETED, RESULT],
  aggregating: [ID, TYPE, PAYLOAD],
};

/** The columns for a state. */
export function columnsOf(state: TaskState): readonly TaskColumn[] {
  return COLUMNS[state];
}

function since(at: Date | undefined): string {
  return at === undefined ? '' : relativeText(at);
}
