/** The result as text: a line per kind and runtime. */
import Table from 'cli-table3';
import type { Result } from './run-kind.ts';

const HEAD = ['runtime', 'kind', 'times', 'counted as', 'seconds', 'strength after', 'supervisor'];

/** The table, ready to print. No colours, so that it can be pasted. */
export function renderTable(results: readonly Result[]): string {
  const table = new Table({
    head: HEAD,
    colAligns: ['left', 'left', 'right', 'left', 'right', 'left', 'right'],
    style: { head: [], border: [], compact: true },
  });
  for (const result of results) table.push(cells(result));
  return table.toString();
}

/** Problems that differ in numbers and IDs alone are said once, with how many there are. */
export function renderProblems(problems: readonly string[]): string[] {
  const alike = new Map<string, string[]>();
  for (const problem of problems) {
    const pattern = problem.replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+/g, '#');
    alike.set(pattern, [...(alike.get(pattern) ?? []), problem]);
  }
  return [...alike.values()].map(([first = '', ...others]) =>
    others.length === 0 ? first : `${first} (and ${others.length} more like it)`,
  );
}

/** One line while it runs. */
export function renderLine({ stage, kind, times, seconds, problems }: Result): string {
  const verdict = problems.length === 0 ? 'ok' : 'OFF';
  return `${verdict}  ${stage}: ${kind}, ${times} times in ${seconds.toFixed(1)} s`;
}

function cells(result: Result): string[] {
  const { stage, kind, times, seconds, strength, supervisorMb } = result;
  const counted = Object.entries(result.countedAs).map(([reason, count]) => `${reason} ${count}`);
  const memory = supervisorMb === undefined ? '' : `${Math.round(supervisorMb)} MB`;
  const texts = [kind, String(times), counted.join(', '), seconds.toFixed(1), strength, memory];
  return [stage, ...texts];
}
