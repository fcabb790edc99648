import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as errors from '../../src/errors.ts';
import { childrenOf, commandTree } from '../../src/cli/completion/command-tree.ts';
import { createProgram } from '../../src/cli/program.ts';
import { createMetrics } from '../../src/metrics/create-metrics.ts';
import { registerFleetMetrics } from '../../src/metrics/fleet-metrics.ts';
import { registerScheduleMetrics } from '../../src/metrics/schedule-metrics.ts';
import { SchedulerEmitter } from '../../src/scheduler/events.ts';
import { packageRoot } from '../helpers/paths.ts';
import { FakeSource } from '../metrics/fake-source.ts';
import { marked, markedCells, readme } from './readme.ts';

interface Manifest {
  readonly license: string;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

function manifest(...folders: readonly string[]): Manifest {
  return JSON.parse(readFileSync(join(packageRoot, ...folders, 'package.json'), 'utf8'));
}

/** The metrics of a registry as the README shows them; those of Node and the process are in a sentence of their own. */
function metricsTable(): string {
  const metrics = createMetrics(new FakeSource());
  metrics.stop();
  registerFleetMetrics(metrics.registry, () => ({ total: 0, ready: 0 }));
  registerScheduleMetrics(metrics.registry, new SchedulerEmitter());
  const rows = metrics.registry
    .getMetricsAsArray()
    .filter(({ name }) => !/^(process|nodejs)_/.test(name))
    .map((metric) => {
      const { labelNames = [] } = metric as { readonly labelNames?: readonly string[] };
      const labels = labelNames.map((label) => `\`${label}\``).join(', ');
      return [`\`${metric.name}\``, String(metric.type), labels, metric.help];
    });
  const head = ['Metric', 'Type', 'Labels', 'What it says'];
  return [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`.replaceAll('|  |', '| |'))
    .join('\n');
}

test('the metrics table is what the registry exposes', () => {
  assert.equal(marked('metrics'), metricsTable());
});

/** Every command that does something, with its aliases. */
function commandsTable(): string {
  const nothing = (): void => undefined;
  const world = { env: {}, cwd: '/', print: nothing, printError: nothing, fail: nothing };
  const nodes = commandTree(createProgram(world));
  const rows = nodes
    .filter(({ path }) => path !== '' && childrenOf(nodes, path).length === 0)
    .map(({ path, names, description }) => {
      const aliases = names.slice(1).map((name) => `, \`${name}\``);
      return [`\`${path}\`${aliases.join('')}`, description];
    });
  return [['Command', 'What it does'], ['---', '---'], ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

test('the table of commands is what the program has', () => {
  assert.equal(marked('commands'), commandsTable());
});

test('every metric of a queue says that it is not to be summed', () => {
  const rows = markedCells('metrics').filter(([name]) => name?.startsWith('asynq_'));
  assert.ok(rows.length >= 7);
  for (const row of rows) assert.match(row.at(-1) ?? '', /max by \(queue\)/);
  assert.match(readme, /`max by \(queue\)`, never with `sum`/);
});

/** Code and class name of every error that the package exports. An empty list does for any text, number or list. */
function exportedErrors(): string[][] {
  return Object.entries(errors).flatMap(([name, value]) => {
    if (typeof value !== 'function' || !(value.prototype instanceof errors.ThreadmillError))
      return [];
    const { code } = Reflect.construct(value, [[], [], []]) as errors.ThreadmillError;
    return [[code, name]];
  });
}

test('the table of errors has every error class with its code, and no other', () => {
  const rows = markedCells('errors');
  assert.deepEqual(rows.map(([code, name]) => [code, name]).sort(), exportedErrors().sort());
  for (const cells of rows) assert.ok(cells.length === 4 && cells.every((cell) => cell !== ''));
});

test('every dependency is listed with its licence and a reason', () => {
  const rows = markedCells('dependencies');
  const { dependencies } = manifest();
  assert.deepEqual(
    rows.map(([name, licence]) => [name, licence]),
    Object.keys(dependencies).map((name) => [name, manifest('node_modules', name).license]),
  );
  for (const [name, , reason = ''] of rows) assert.ok(reason.length > 10, `no reason for ${name}`);
});

test('the dependencies are the last section', () => {
  assert.equal(readme.match(/^## .*/gm)?.at(-1), '## Dependencies');
});

test('links within the repository lead somewhere', () => {
  const links = [...readme.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  const local = links.filter((target) => !/^https?:/.test(target));
  assert.ok(local.includes('bench/README.md'));
  for (const target of local) assert.ok(existsSync(join(packageRoot, target)), target);
});

test('the README is plain: no exclamation marks, no pictographs', () => {
  const prose = readme.replaceAll(/```[\s\S]*?```|<!--[\s\S]*?-->|`[^`]*`/g, '');
  assert.doesNotMatch(prose, /!/);
  assert.doesNotMatch(readme, /\p{Extended_Pictographic}/u);
});

test('the licence is the one that package.json names', () => {
  const text = readFileSync(join(packageRoot, 'LICENSE'), 'utf8');
  assert.equal(manifest().license, 'MIT');
  assert.match(text, /^MIT License\n\nCopyright \(c\) 2026 The Threadmill authors\n/);
});

test('the changelog has a place for what is not released, and one for this version when it is', () => {
  const text = readFileSync(join(packageRoot, 'CHANGELOG.md'), 'utf8');
  const [first, ...released] = [...text.matchAll(/^## (.*)$/gm)].map(([, title]) => title);
  assert.equal(first, '[Unreleased]');
  for (const title of released) assert.match(title ?? '', /^\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d$/);
  const kinds = [...text.matchAll(/^### (.*)$/gm)].map(([, kind]) => kind);
  for (const kind of kinds)
    assert.match(kind ?? '', /^(Added|Changed|Deprecated|Removed|Fixed|Security)$/);
});
