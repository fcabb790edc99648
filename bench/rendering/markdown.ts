/** The report as Markdown: machine and versions, what came of the goals, then group by group text, picture and table. */
import { formatList } from './words.ts';
import type { JudgedRow, Report } from '../report.ts';
import { figure, headLines } from '../table.ts';

/** One group, as the report shows it. */
export interface Group {
  /** The measure's name, and that of its picture. */
  readonly name: string;
  readonly title: string;
  readonly about?: string;
  /** Name of the file with its picture; `undefined` without one. */
  readonly picture: string | undefined;
}

/** The whole report. Groups without rows are left out. */
export function renderMarkdown(report: Report, groups: readonly Group[]): string {
  const { environment, bar, goals, notes, failures, rows, scale, seconds } = report;
  const shown = groups.filter(({ name }) => rows.some((row) => row.measure === name));
  return `${[
    `# Benchmark of ${environment.date}`,
    'Written by `npm run bench -- --report`; what each measure does, and how to read it, is in [bench/README.md](../README.md).',
    ...headLines(environment).map((line) => `- ${line}`),
    `- ${scale.rounds} pairs per ratio where nothing else is said, measured in ${Math.max(1, Math.round(seconds / 60))} min`,
    '**Ratios count, absolute figures do not**: they differ from machine to machine. A ratio is the median over pairs of ' +
      'slices measured in turns, beside it the range of their middle half.',
    `Goals: ${goals.met} met, ${goals.missed} missed, ${goals.unclear} unclear (the middle is on the wrong side, the ` +
      `better quartile is not). ${sentence(bar)}`,
    notMetLines(rows),
    ...notes.map((note) => `> ${note}`),
    ...failures.map((failure) => `> ${failure.split('\n')[0] ?? ''}`),
    ...shown.flatMap((group) => groupParts(group, rows)),
  ]
    .filter((part) => part !== '')
    .join('\n\n')}\n`.replaceAll(/^(- .*)\n\n(?=- )/gm, '$1\n');
}

function notMetLines(rows: readonly JudgedRow[]): string {
  return rows
    .filter(({ verdict }) => verdict === 'missed' || verdict === 'unclear')
    .map((row) => `- ${row.verdict}: ${row.title}${row.kind === 'ratio' ? `, ${row.peer}` : ''}`)
    .join('\n');
}

function groupParts({ name, title, about, picture }: Group, rows: readonly JudgedRow[]): string[] {
  const own = rows.filter((row) => row.measure === name);
  const ratios = own.flatMap((row) => (row.kind === 'ratio' ? [ratioCells(row)] : []));
  const figures = own.flatMap((row) => (row.kind === 'figure' ? [figureCells(row)] : []));
  const heading = title.charAt(0).toUpperCase() + title.slice(1);
  return [
    `## ${heading}`,
    about ?? '',
    picture === undefined ? '' : `![${heading}: ${alternative(own)}](${picture})`,
    table(['measure', 'Threadmill', 'peer', "peer's", 'ratio', 'middle half', 'goal', ''], ratios),
    table(['measure', 'figure', 'middle half', 'goal', ''], figures),
  ];
}

function alternative(rows: readonly JudgedRow[]): string {
  const count = (which: string): number => rows.filter(({ verdict }) => verdict === which).length;
  const parts = ['met', 'missed', 'unclear'].filter((which) => count(which) > 0);
  if (parts.length === 0) return 'ratios and their ranges';
  return formatList(parts.map((which) => `${count(which)} ${which}`));
}

function ratioCells(row: JudgedRow & { kind: 'ratio' }): string[] {
  const { ratio, unit } = row;
  return [
    row.title,
    `${figure(row.ours)} ${unit}`,
    row.peer,
    `${figure(row.theirs)} ${unit}`,
    `**${figure(ratio.median)}**`,
    `${figure(ratio.q1)} to ${figure(ratio.q3)}`,
    row.goal?.text ?? `${row.better} is better`,
    row.verdict ?? '',
  ];
}

function figureCells(row: JudgedRow & { kind: 'figure' }): string[] {
  const { median, q1, q3 } = row.figure;
  return [
    row.title,
    `**${figure(median)}** ${row.unit}`,
    `${figure(q1)} to ${figure(q3)}`,
    row.goal?.text ?? `${row.better} is better`,
    row.verdict ?? '',
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.trim().replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
