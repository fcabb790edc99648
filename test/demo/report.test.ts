import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PassResult } from '../../demo/pass.ts';
import { metricsExcerpt, percentile, speedUp, typeTable } from '../../demo/report.ts';

const result: PassResult = {
  byType: new Map([
    ['b:type', { runMs: [10, 30, 20, 40], failures: 2, retries: 1, archived: 1 }],
    ['a:type', { runMs: [5], failures: 0, retries: 0, archived: 0 }],
  ]),
  elapsedMs: 2_000,
  threads: 4,
  metrics: '',
  reasons: [],
};

test('a percentile is the nearest rank', () => {
  assert.deepEqual(
    [0, 0.5, 0.95, 1].map((share) => percentile([40, 10, 30, 20], share)),
    [10, 20, 40, 40],
  );
  assert.equal(percentile([], 0.5), 0);
});

test('the table has a row per type and one for all, in plain text', () => {
  const lines = typeTable(result).split('\n');
  const cells = lines
    .filter((line) => /type |all /.test(line))
    .map((line) =>
      line
        .split('│')
        .map((cell) => cell.trim())
        .slice(1, -1),
    );
  assert.deepEqual(cells, [
    ['task type', 'succeeded', 'failures', 'retries', 'archived', 'p50', 'p95', 'tasks/s'],
    ['a:type', '1', '0', '0', '0', '5 ms', '5 ms', '0.5'],
    ['b:type', '4', '2', '1', '1', '20 ms', '40 ms', '2.0'],
    ['all', '5', '2', '1', '1', '20 ms', '40 ms', '2.5'],
  ]);
  assert.ok(!lines.join('').includes('\u001b'));
});

test('the speed-up is the ratio of the elapsed times and says how it was measured', () => {
  const text = speedUp(result, { ...result, elapsedMs: 7_000, threads: 1 });
  assert.match(text, /^2\.0 s on 4 threads, 7\.0 s on one: 3\.50 times as fast \(.*CONCURRENCY=1/);
});

test('the excerpt holds the lines a first reader wants', () => {
  const metrics = [
    '# HELP threadmill_tasks_processed_total x',
    'threadmill_tasks_processed_total{queue="q",type="t"} 3',
    'nodejs_heap_size_total_bytes 1',
    'asynq_queue_size{queue="q"} 0',
  ].join('\n');
  assert.deepEqual(metricsExcerpt(metrics).split('\n'), [
    '  threadmill_tasks_processed_total{queue="q",type="t"} 3',
    '  asynq_queue_size{queue="q"} 0',
  ]);
});
