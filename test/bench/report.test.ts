import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { atLeast, FULL_BAR } from '../../bench/goal.ts';
import { judge, makeReport, type Report } from '../../bench/report.ts';
import { compare, figureRow } from '../../bench/row.ts';
import { FULL } from '../../bench/scale.ts';
import { writeReport } from '../../bench/write-report.ts';
import { packageRoot } from '../helpers/paths.ts';
import { elementsOf } from './read-xml.ts';

const MEASURES = [
  { name: 'noop', title: 'no-op tasks', about: 'What is timed.' },
  { name: 'idle', title: 'idle cost' },
  { name: 'left-out', title: 'not measured' },
];

function example(): Report {
  const environment = {
    date: '2024-05-17',
    cpu: 'Test CPU',
    cores: 2,
    memoryGb: 8,
    system: 'linux 6.1 x64',
    load: 0.1,
    versions: { node: '20.19.0', asynq: '0.26.0' },
  };
  const rate = { title: 'no-op tasks', unit: '/s', better: 'higher' } as const;
  const side = (name: string, each: number): { name: string; slices: number[] } => ({
    name,
    slices: [each, each, each],
  });
  const rows = [
    compare('noop', rate, side('ours', 300), side('BullMQ | threads', 100), atLeast(2)),
    compare('noop', rate, side('ours', 300), side('bare Piscina', 400), atLeast(1)),
    figureRow('idle', { title: 'memory', unit: 'MB', better: 'lower' }, [100, 101]),
  ].map((row) => judge(row, FULL_BAR));
  const notes = ['asynq in Go was not measured: Go is not installed.'];
  return makeReport(
    { environment, scale: FULL, seconds: 900, notes, failures: [], rows },
    FULL_BAR,
  );
}

function inFolder(use: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'threadmill-report-'));
  try {
    use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('the report shows date, machine, versions, goals by verdict and what could not be measured', () => {
  inFolder((folder) => {
    const text = readFileSync(writeReport(folder, example(), MEASURES), 'utf8');
    assert.match(text, /^# Benchmark of 2024-05-17\n/);
    assert.match(text, /Test CPU, 2 cores, 8 GB/);
    assert.match(text, /node 20\.19\.0, asynq 0\.26\.0/);
    assert.match(text, /1 met, 1 missed, 0 unclear/);
    assert.match(text, /^- missed: no-op tasks, bare Piscina$/m);
    assert.match(text, /^> asynq in Go was not measured: Go is not installed\.$/m);
    assert.match(text, /measured in 15 min/);
  });
});

test('a group has its text, its picture and its tables; one without rows is left out', () => {
  inFolder((folder) => {
    const text = readFileSync(writeReport(folder, example(), MEASURES), 'utf8');
    assert.match(
      text,
      /^## No-op tasks\n\nWhat is timed\.\n\n!\[.*: 1 met and 1 missed\]\(noop\.svg\)$/m,
    );
    assert.match(
      text,
      /^\| no-op tasks \| 300 \/s \| BullMQ \\\| threads \| 100 \/s \| \*\*3\.00\*\* \| 3\.00 to 3\.00 \| >= 2 \| met \|$/m,
    );
    assert.match(text, /^\| memory \| \*\*101\*\* MB \| 100 to 101 \| lower is better \|  \|$/m);
    assert.doesNotMatch(text, /not measured$/im);
  });
});

test('every picture that the report shows is there and well-formed, and none is left of an earlier one', () => {
  inFolder((folder) => {
    writeFileSync(join(folder, 'old.svg'), '<svg/>');
    const text = readFileSync(writeReport(folder, example(), MEASURES), 'utf8');
    const shown = [...text.matchAll(/\]\(([^)]+\.svg)\)/g)].map(([, name]) => name ?? '');
    assert.deepEqual(shown, ['noop.svg']);
    assert.deepEqual(readdirSync(folder).sort(), ['README.md', 'noop.svg', 'report.json']);
    assert.ok(elementsOf(readFileSync(join(folder, 'noop.svg'), 'utf8')).length > 10);
  });
});

test('the JSON beside it holds everything, from which the same report can be written again', () => {
  inFolder((folder) => {
    const report = example();
    const text = readFileSync(writeReport(folder, report, MEASURES), 'utf8');
    const read = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) as Report;
    assert.deepEqual(read, report);
    assert.deepEqual(read.rows[0]?.goal, { bound: 2, direction: 'at least', text: '>= 2' });
    assert.deepEqual(
      read.rows.map(({ verdict }) => verdict),
      ['met', 'missed', undefined],
    );
    assert.equal(readFileSync(writeReport(folder, read, MEASURES), 'utf8'), text);
  });
});

test('the committed report shows only pictures that are there, and all of them can be read', () => {
  const folder = join(packageRoot, 'bench', 'report');
  const text = readFileSync(join(folder, 'README.md'), 'utf8');
  assert.match(text, /^# Benchmark/);
  const shown = [...text.matchAll(/\]\(([^)]+\.svg)\)/g)].map(([, name]) => name ?? '');
  const there = readdirSync(folder).filter((name) => name.endsWith('.svg'));
  assert.deepEqual(shown.sort(), there.sort());
  for (const name of there) elementsOf(readFileSync(join(folder, name), 'utf8'));
});
