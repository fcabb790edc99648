/** A diagnosis as text for people. Pure. */
import type { Diagnosis, Finding, FindingStatus } from '../../inspector/doctor/diagnose.ts';
import { oneLine } from '../output/text.ts';

/** Paints text, or leaves it as it is. */
export type Paint = (status: FindingStatus, text: string) => string;

const WORDS: Readonly<Record<FindingStatus, string>> = {
  ok: 'ok',
  mended: 'mended',
  warning: 'warning',
  problem: 'PROBLEM',
  unknown: 'unknown',
};

const STATUS_WIDTH = 9;
const CHECK_WIDTH = 18;
const INDENT = ' '.repeat(STATUS_WIDTH + CHECK_WIDTH);

/** One line per finding, below it what is affected and what to do, and how many there are of each kind at the end. */
export function findingsText({ findings, isStopped }: Diagnosis, paint: Paint): string {
  const lines = findings.flatMap((finding) => findingLines(finding, paint));
  const stopped = isStopped
    ? ['Stopped before it was through: what is not shown was not looked at.']
    : [];
  return [...lines, '', ...stopped, summary(findings)].join('\n');
}

function findingLines(finding: Finding, paint: Paint): string[] {
  const { check, status, text, advice, queue, node, samples = [], count = 0 } = finding;
  const where = [
    queue === undefined ? [] : `queue ${queue}: `,
    node === undefined ? [] : `${node}: `,
  ];
  const word = paint(status, WORDS[status].padEnd(STATUS_WIDTH));
  const first = `${word}${check.padEnd(CHECK_WIDTH)}${oneLine(where.flat().join('') + text)}`;
  const more = count > samples.length ? ` and ${count - samples.length} more` : '';
  return [
    first,
    ...(samples.length === 0 ? [] : [`${INDENT}${oneLine(samples.join(', '))}${more}`]),
    ...(advice === undefined ? [] : [`${INDENT}-> ${oneLine(advice)}`]),
  ];
}

function summary(findings: readonly Finding[]): string {
  const count = (status: FindingStatus): number =>
    findings.filter((each) => each.status === status).length;
  const words = [
    [count('problem'), 'problem', 'problems'],
    [count('warning'), 'warning', 'warnings'],
    [count('mended'), 'mended', 'mended'],
    [count('unknown'), 'not looked at', 'not looked at'],
    [count('ok'), 'ok', 'ok'],
  ] as const;
  const said = words.filter(([number]) => number > 0);
  return said.map(([number, one, many]) => `${number} ${number === 1 ? one : many}`).join(', ');
}
