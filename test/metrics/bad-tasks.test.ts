import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createMetrics } from '../../src/metrics/create-metrics.ts';
import { FakeSource, taskRef } from './fake-source.ts';

test('failures, crashes, stuck tasks and late errors are counted by what they are', async () => {
  const source = new FakeSource();
  const metrics = createMetrics(source);
  after(() => metrics.stop());
  const task = taskRef();
  const error = new Error('x');
  for (const reason of ['exit', 'out_of_memory', 'canceled', 'exit'] as const) {
    source.emit('failed', { task, error, runMs: 1, reason });
  }
  source.emit('crashed', { task, crashes: 1 });
  source.emit('stuck', { task, reason: 'canceled' });
  source.emit('lateError', { task, error });
  const { body } = await metrics.scrape();
  const names = /^threadmill_(failures|tasks_crashed|tasks_stuck|late_errors)_total/;
  assert.deepEqual(
    body.split('\n').filter((line) => names.test(line)),
    [
      'threadmill_failures_total{reason="exit"} 2',
      'threadmill_failures_total{reason="out_of_memory"} 1',
      'threadmill_failures_total{reason="canceled"} 1',
      'threadmill_tasks_crashed_total{queue="default"} 1',
      'threadmill_tasks_stuck_total{reason="canceled"} 1',
      'threadmill_late_errors_total 1',
    ],
  );
});
