/** The whole picture as lines of text. Pure: the model and the size of the terminal in, lines out. */
import { choose, type Column, line, spread } from './columns.ts';
import { chosenIndex, PANELS, type Panel, type WatchModel } from './model.ts';
import { failureColumns, type Look, queueColumns, queueLook, workerColumns } from './panels.ts';
import { ageText, countText, fit, rateText } from './text.ts';

/** Size of the terminal. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** One line, and how it is to look where there are colours. */
export interface Line {
  readonly text: string;
  readonly look: Look;
}

/** Below so many rows only the list that has the keys is shown. */
const ROWS_FOR_ALL = 14;

const HELP = [
  '',
  'tab, left, right    next list, list before',
  'up, down, k, j      choose a row; page up, page down, home, end too',
  'p                   pause the queue of the chosen row, or resume it',
  'c                   cancel the chosen running task (asks first)',
  'r                   retry the chosen failed task: it is pending at once',
  '?                   this help',
  'q, ctrl-c           quit',
  '',
  'Rates are those of the last ten seconds. Running tasks are as of the last',
  'heartbeat of their server: short ones do not show.',
  '',
  'Any key goes back.',
];

/** The lines, never more than `rows`, none wider than `columns`. `now`: what ages are reckoned from. */
export function render(model: WatchModel, { columns, rows }: Size, now: Date = new Date()): Line[] {
  const top = [header(model, columns, now), ...banner(model, columns, now)];
  const bottom = footer(model, columns);
  const room = rows - top.length - 1;
  const middle = model.isHelpShown ? help(columns) : lists(model, columns, room, now);
  const body = middle.slice(0, Math.max(0, room));
  const blanks = Array.from({ length: Math.max(0, room - body.length) }, () => plain(''));
  return [...top, ...body, ...blanks, bottom].slice(0, Math.max(0, rows));
}

/** The text alone, as tests and people without colours see it. */
export function renderText(model: WatchModel, size: Size, now?: Date): string[] {
  return render(model, size, now).map(({ text }) => text);
}

function plain(text: string): Line {
  return { text, look: 'plain' };
}

function header({ title, snapshot }: WatchModel, columns: number, now: Date): Line {
  const time = now.toISOString().slice(11, 19);
  if (snapshot === undefined) {
    return { text: spread(`threadmill  ${title}  connecting …`, time, columns), look: 'bold' };
  }
  const { queues, servers, workers } = snapshot;
  const sum = (of: (row: (typeof queues)[number]) => number): number =>
    queues.reduce((total, row) => total + of(row), 0);
  const parts = [
    'threadmill',
    `${countText(sum(({ counts }) => counts.pending))} pending`,
    `${rateText(sum((row) => row.processedPerSecond ?? 0))}/s`,
    `${rateText(sum((row) => row.failedPerSecond ?? 0))} failed/s`,
    `${workers.length}/${servers.concurrency} busy`,
    `${servers.count} ${servers.count === 1 ? 'server' : 'servers'}`,
    title,
  ];
  return { text: spread(parts.join('  '), time, columns), look: 'bold' };
}

function banner({ trouble }: WatchModel, columns: number, now: Date): Line[] {
  if (trouble === undefined) return [];
  const age = ageText(now.getTime() - trouble.since.getTime());
  const text = ` No answer from Redis for ${age}: ${trouble.reason}`;
  return [{ text: fit(text, columns), look: 'alarm' }];
}

function footer({ question, notice, panel }: WatchModel, columns: number): Line {
  if (question !== undefined && 'taskId' in question) {
    const text = `Cancel ${question.type} ${question.taskId}? y = yes, any other key = no`;
    return { text: fit(text, columns), look: 'alarm' };
  }
  if (notice !== undefined) {
    return { text: fit(notice.text, columns), look: notice.isError ? 'bad' : 'good' };
  }
  const own = { queues: 'p pause', workers: 'c cancel  p pause', failures: 'r retry  p pause' }[
    panel
  ];
  return { text: fit(`q quit  ? help  ${own}  tab list  ↑↓ row`, columns), look: 'dim' };
}

function help(columns: number): Line[] {
  return HELP.map((text) => plain(fit(text === '' ? '' : ` ${text}`, columns)));
}

/** All three lists, or the one that has the keys where there is little room. */
function lists(model: WatchModel, columns: number, room: number, now: Date): Line[] {
  const shown = room + 2 < ROWS_FOR_ALL ? [model.panel] : PANELS;
  const needs = shown.map((panel) => Math.max(1, model.snapshot?.[panel].length ?? 0));
  const heights = share(room - shown.length, needs);
  return shown.flatMap((panel, index) => list(model, panel, columns, heights[index] ?? 0, now));
}

/** Rows for each list: as many as it needs, if they fit; what one leaves, the others get. */
export function share(room: number, needs: readonly number[]): number[] {
  const given = needs.map(() => 0);
  for (let left = room; left > 0; ) {
    const hungry = needs.flatMap((need, i) => (need > (given[i] ?? 0) ? [i] : []));
    if (hungry.length === 0) break;
    for (const i of hungry.slice(0, left)) given[i] = (given[i] ?? 0) + 1;
    left -= Math.min(left, hungry.length);
  }
  return given;
}

function list(model: WatchModel, panel: Panel, columns: number, height: number, now: Date): Line[] {
  const { snapshot } = model;
  const served = new Set(snapshot?.servers.queues);
  const frame = { model, panel, columns, height };
  if (panel === 'queues') {
    const look = (row: Parameters<typeof queueLook>[0]): Look => queueLook(row, served);
    return table(frame, snapshot?.queues ?? [], queueColumns(served), look);
  }
  if (panel === 'workers') {
    return table(frame, snapshot?.workers ?? [], workerColumns(now), () => 'plain');
  }
  return table(frame, snapshot?.failures ?? [], failureColumns(now), ({ state }) =>
    state === 'archived' ? 'bad' : 'plain',
  );
}

const NOTHING = { queues: 'no queues', workers: 'no task is running', failures: 'no failures' };

function table<Row>(
  frame: { model: WatchModel; panel: Panel; columns: number; height: number },
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  lookOf: (row: Row) => Look,
): Line[] {
  const { model, panel, height } = frame;
  const hasKeys = model.panel === panel;
  const fitting = choose(columns, frame.columns - 2);
  const heads = line(fitting, ({ head }) => head);
  const at = chosenIndex(model, panel);
  const first = Math.max(0, Math.min(at - Math.floor(height / 2), rows.length - height));
  const head = {
    text: fit(`${hasKeys ? '▸' : ' '} ${heads}`, frame.columns),
    look: 'bold' as const,
  };
  if (rows.length === 0 && height > 0) {
    const text = model.snapshot === undefined ? '' : `  ${NOTHING[panel]}`;
    return [head, { text: fit(text, frame.columns), look: 'dim' }];
  }
  const lines = rows.slice(first, first + height).map((row, index): Line => {
    const isChosen = hasKeys && first + index === at;
    const text = `${isChosen ? '>' : ' '} ${line(fitting, (column) => column.text(row))}`;
    return { text: fit(text, frame.columns), look: isChosen ? 'chosen' : lookOf(row) };
  });
  return [head, ...lines];
}
