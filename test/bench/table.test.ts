import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Environment } from '../../bench/environment.ts';
import { environment } from '../../bench/environment.ts';
import type { JudgedRow, Report } from '../../bench/report.ts';
import { QUICK } from '../../bench/scale.ts';
import { figure, renderTable } from '../../bench/table.ts';

const MACHINE: Environment = {
  date: '2024-05-17',
  cpu: 'Test CPU',
  cores: 2,
  memoryGb: 8,
  system: 'linux 6.1 x64',
  load: 0.1,
  versions: { node: '20.19.0', redis: '7.0.15' },
};

const ROW: JudgedRow = {
  kind: 'ratio',
  measure: 'noop',
  title: 'no-op tasks',
  unit: '/s',
  better: 'higher',
  peer: 'BullMQ inline',
  ours: 12_345.6,
  theirs: 4_000,
  ratio: { median: 3.0864, q1: 2.9, q3: 3.25, count: 9 },
};

function report(rows: readonly JudgedRow[]): Report {
  const goals = { met: 0, missed: 0, unclear: 0 };
  return {
    environment: MACHINE,
    scale: QUICK,
    bar: 'missed: never',
    seconds: 1,
    notes: [],
    failures: [],
    rows,
    goals,
  };
}

test('machine and versions stand at the head', () => {
  const [first, second] = renderTable(report([])).split('\n');
  assert.equal(first, '2024-05-17, Test CPU, 2 cores, 8 GB, linux 6.1 x64, load 0.1');
  assert.equal(second, 'node 20.19.0, redis 7.0.15');
});

test('a line shows both figures, the ratio, its middle half and which way is better', () => {
  const line = lineWith(renderTable(report([ROW])), 'BullMQ inline');
  assert.deepEqual(cellsOf(line), [
    'no-op tasks',
    '12,346 /s',
    'BullMQ inline',
    '4,000 /s',
    '3.09',
    '2.90 to 3.25',
    'higher',
    '',
    '',
  ]);
});

test('a second peer of the same figure does not repeat it', () => {
  const text = renderTable(report([ROW, { ...ROW, peer: 'bare Piscina' }]));
  assert.deepEqual(cellsOf(lineWith(text, 'bare Piscina')).slice(0, 3), ['', '', 'bare Piscina']);
});

test('a row with a goal shows it and its verdict, and a figure without a peer stands alone', () => {
  const goal = { bound: 12, direction: 'at least', text: '>= 12' } as const;
  const judged: JudgedRow = { ...ROW, goal, verdict: 'missed' };
  const alone: JudgedRow = {
    kind: 'figure',
    measure: 'idle',
    title: 'commands while idle',
    unit: 'commands/s',
    better: 'lower',
    figure: { median: 5.5, q1: 5, q3: 6, count: 15 },
  };
  const text = renderTable(report([judged, alone]));
  assert.deepEqual(cellsOf(lineWith(text, 'BullMQ inline')).slice(-2), ['>= 12', 'missed']);
  assert.deepEqual(cellsOf(lineWith(text, 'while idle')), [
    'commands while idle',
    '5.50 commands/s',
    '',
    '',
    '',
    '5.00 to 6.00',
    'lower',
    '',
    '',
  ]);
});

test('figures keep three digits that count', () => {
  assert.deepEqual([43_210.4, 100, 99.95, 5.333, 0.01234, 0].map(figure), [
    '43,210',
    '100',
    '100',
    '5.33',
    '0.0123',
    '0.00',
  ]);
});

test('the head names this machine and every competitor with its version', () => {
  const { cores, versions } = environment('valkey 8.0.1');
  assert.ok(cores >= 1);
  assert.equal(versions['valkey'], '8.0.1');
  for (const name of ['threadmill', 'node', 'bullmq', 'piscina', 'ioredis']) {
    assert.match(versions[name] ?? '', /^\d+\.\d+\.\d+/, name);
  }
});

function lineWith(text: string, part: string): string {
  return text.split('\n').find((line) => line.includes(part)) ?? '';
}

function cellsOf(line: string): string[] {
  const cells = line.split('│').map((cell) => cell.trim());
  return cells.slice(1, -1);
}
