/** What `threadmill task list` and `task inspect` do. */
import type { TaskDetails, TaskPage } from '../../inspector/types.ts';
import { DEFAULT_QUEUE, type TaskState } from '../../task.ts';
import { withInspector } from '../open-client.ts';
import { listText, tableText, titleText } from '../output/table.ts';
import { bytesText, countText, durationText, instantText, oneLine } from '../output/text.ts';
import { paint } from '../output/style.ts';
import type { Call } from '../redis-command.ts';
import { forEachNamed, report } from '../report.ts';
import { UsageError } from '../usage-error.ts';
import { pageOf } from './numbers.ts';
import { columnsOf } from './task-columns.ts';

/** What was typed. */
export interface TaskFlags {
  readonly queue?: string;
  readonly state?: TaskState;
  readonly group?: string;
  readonly id?: readonly string[];
  readonly page?: string;
  readonly size?: string;
}

/** Lists one page of the tasks in a state. */
export async function list(call: Call<TaskFlags>): Promise<void> {
  const { queue = DEFAULT_QUEUE, state = 'pending' } = call.flags;
  const options = { queue, state, ...groupOf(call.flags), ...pageOf(call.flags) };
  const page = await withInspector(call, (inspector) => inspector.listTasks(options));
  report(call, page, () => pageText(page, queue, state));
}

/** The group where the state is aggregating. Throws `UsageError` where one is missing or too many. */
export function groupOf({ state, group }: Pick<TaskFlags, 'state' | 'group'>): { group?: string } {
  if (state === 'aggregating' && group === undefined) {
    throw new UsageError('--state aggregating needs --group');
  }
  if (state !== 'aggregating' && group !== undefined) {
    throw new UsageError('--group goes with --state aggregating only');
  }
  return group === undefined ? {} : { group };
}

function pageText({ tasks, total, page, size }: TaskPage, queue: string, state: TaskState): string {
  const where = `in queue ${JSON.stringify(queue)}`;
  if (total === 0) return `no ${state} tasks ${where}`;
  const pages = Math.ceil(total / size);
  const footer = `${countText(total)} ${state} ${where}, page ${countText(page)} of ${countText(pages)}`;
  if (tasks.length === 0) return footer;
  const columns = columnsOf(state);
  const rows = tasks.map((task) => columns.map(({ cell }) => cell(task)));
  return `${tableText(columns, rows)}\n${paint('dim', footer)}`;
}

/** Shows all that is known of tasks. */
export async function inspect(call: Call<TaskFlags>): Promise<void> {
  const words = [...call.words, ...(call.flags.id ?? [])];
  if (words.length === 0) throw new UsageError('name a task by its ID: as an argument, or by --id');
  const { queue = DEFAULT_QUEUE } = call.flags;
  const tasks = await withInspector(call, (inspector) =>
    forEachNamed({ ...call, words }, (id) => inspector.getTask(queue, id)),
  );
  if (tasks.length === 0 && call.flags.json !== true) return;
  report(call, tasks, () => tasks.map(taskText).join('\n\n'));
}

function taskText(task: TaskDetails): string {
  return [
    titleText(oneLine(task.id)),
    listText(pairsOf(task)),
    ...attemptsText(task),
    ...logsText(task),
  ].join('\n');
}

function pairsOf(task: TaskDetails): (readonly [string, string | undefined])[] {
  const { headers, retried, maxRetry, timeout, retention } = task;
  const instant = (at: Date | undefined): string | undefined => at && instantText(at);
  return [
    ['queue', task.queue],
    ['type', task.type],
    ['state', task.state],
    ['payload', bytesText(task.payload)],
    ...Object.entries(headers).map(([name, value]) => [`header ${name}`, value] as const),
    ['retried', `${retried} of ${Number.isFinite(maxRetry) ? maxRetry : 'any number'}`],
    ['timeout', timeout === 0 ? undefined : durationText(timeout)],
    ['deadline', instant(task.deadline)],
    ['due', instant(task.nextProcessAt)],
    ['last error', task.lastError],
    ['last failed', instant(task.lastFailedAt)],
    ['group', task.group],
    ['unique lock', task.uniqueKey],
    ['retention', retention === 0 ? undefined : durationText(retention)],
    ['completed', instant(task.completedAt)],
    ['run time', task.runMs === undefined ? undefined : durationText(task.runMs)],
    ['result', bytesText(task.result)],
    ['progress', task.progress === undefined ? undefined : JSON.stringify(task.progress)],
  ];
}

function attemptsText({ attempts }: TaskDetails): string[] {
  if (attempts.length === 0) return [];
  const columns = [
    { head: 'attempt ended' },
    { head: 'took', align: 'right' as const },
    { head: 'outcome' },
    { head: 'error', isFlexible: true },
    { head: 'server', isFlexible: true },
    { head: 'thread', align: 'right' as const },
  ];
  const rows = attempts.map(({ endedAt, durationMs, outcome, error, server, thread }) => [
    instantText(endedAt),
    durationText(durationMs),
    outcome,
    error ?? '',
    server,
    thread ?? '',
  ]);
  return ['', tableText(columns, rows)];
}

function logsText({ logs }: TaskDetails): string[] {
  if (logs.length === 0) return [];
  const lines = logs.map(({ at, level, text }) => `${at.toISOString()} ${level} ${oneLine(text)}`);
  return ['', paint('bold', 'LAST LOG LINES'), ...lines];
}
