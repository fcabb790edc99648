import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import {
  createMetrics,
  type Metrics,
  type MetricsOptions,
} from '../../src/metrics/create-metrics.ts';
import { FakeSource, queueInfo, taskRef } from './fake-source.ts';

const running: Metrics[] = [];
after(() => {
  for (const metrics of running) metrics.stop();
});

function metricsOf(source: FakeSource, options: MetricsOptions = {}): Metrics {
  const metrics = createMetrics(source, options);
  running.push(metrics);
  return metrics;
}

/** Lines of the exposition whose name begins with one of these, comments left out. */
async function lines(metrics: Metrics, ...names: readonly string[]): Promise<string[]> {
  const { body } = await metrics.scrape();
  return body.split('\n').filter((line) => names.some((name) => line.startsWith(name)));
}

const error = new Error('x');
const DEFAULT = '{queue="default",type="image:resize"}';

test('a success is processed, with its run time and its wait', async () => {
  const source = new FakeSource();
  const metrics = metricsOf(source);
  source.emit('started', { task: taskRef(), threadId: 1, waitMs: 250 });
  source.emit('succeeded', { task: taskRef(), runMs: 40, isKept: false });
  assert.deepEqual(await lines(metrics, 'threadmill_tasks_processed', 'threadmill_tasks_failed'), [
    `threadmill_tasks_processed_total${DEFAULT} 1`,
  ]);
  assert.deepEqual(
    await lines(metrics, 'threadmill_task_run_seconds_sum', 'threadmill_task_wait_seconds_sum'),
    [
      `threadmill_task_run_seconds_sum${DEFAULT} 0.04`,
      'threadmill_task_wait_seconds_sum{queue="default"} 0.25',
    ],
  );
  assert.ok(
    (await lines(metrics, 'threadmill_task_run_seconds_bucket')).includes(
      'threadmill_task_run_seconds_bucket{le="0.05",queue="default",type="image:resize"} 1',
    ),
  );
});

test('a failure that is retried counts once as processed, failed and retried', async () => {
  const source = new FakeSource();
  const metrics = metricsOf(source);
  source.emit('failed', { task: taskRef(), error, runMs: 10, reason: 'error' });
  source.emit('retried', { task: taskRef(), error, delayMs: 5, counts: true, reason: 'failure' });
  assert.deepEqual(
    await lines(
      metrics,
      'threadmill_tasks_processed',
      'threadmill_tasks_failed',
      'threadmill_tasks_retried',
      'threadmill_task_run_seconds_count',
    ),
    [
      `threadmill_tasks_processed_total${DEFAULT} 1`,
      `threadmill_tasks_failed_total${DEFAULT} 1`,
      `threadmill_tasks_retried_total${DEFAULT} 1`,
      `threadmill_task_run_seconds_count${DEFAULT} 1`,
    ],
  );
});

test('a failure that is archived counts as processed, failed and archived, a revoked task as processed', async () => {
  const source = new FakeSource();
  const metrics = metricsOf(source);
  source.emit('failed', { task: taskRef(), error, runMs: undefined, reason: 'thread_died' });
  source.emit('archived', { task: taskRef(), error });
  source.emit('revoked', { task: taskRef(), error, runMs: 1 });
  assert.deepEqual(
    await lines(
      metrics,
      'threadmill_tasks_processed',
      'threadmill_tasks_failed',
      'threadmill_tasks_archived',
      'threadmill_tasks_revoked',
    ),
    [
      `threadmill_tasks_processed_total${DEFAULT} 2`,
      `threadmill_tasks_failed_total${DEFAULT} 1`,
      `threadmill_tasks_archived_total${DEFAULT} 1`,
      `threadmill_tasks_revoked_total${DEFAULT} 1`,
    ],
  );
});

test('what does not count is only requeued, with its reason', async () => {
  const source = new FakeSource();
  const metrics = metricsOf(source);
  source.emit('retried', {
    task: taskRef(),
    error,
    delayMs: 5,
    counts: false,
    reason: 'retry_later',
  });
  source.emit('retried', {
    task: taskRef(),
    error,
    delayMs: 5,
    counts: false,
    reason: 'not_failure',
  });
  source.emit('requeued', { task: taskRef(), reason: 'shutdown' });
  const found = await lines(
    metrics,
    'threadmill_tasks_requeued',
    'threadmill_tasks_processed',
    'threadmill_tasks_retried',
  );
  assert.deepEqual(
    found,
    ['retry_later', 'not_failure', 'shutdown'].map(
      (reason) =>
        `threadmill_tasks_requeued_total{queue="default",type="image:resize",reason="${reason}"} 1`,
    ),
  );
});

test('oddities have counters of their own', async () => {
  const source = new FakeSource();
  const metrics = metricsOf(source);
  source.emit('dropped', { queue: 'low', taskId: 'x' });
  source.emit('lost', { task: taskRef() });
  source.emit('failed', { task: taskRef(), error, runMs: undefined, reason: 'undecodable' });
  source.emit('stopping', { task: taskRef(), reason: 'timeout' });
  source.emit('threadExited', { threadId: 1 });
  assert.deepEqual(
    await lines(
      metrics,
      'threadmill_tasks_dropped',
      'threadmill_tasks_lost',
      'threadmill_tasks_undecodable',
      'threadmill_tasks_stopped',
      'threadmill_threads_exited',
    ),
    [
      'threadmill_tasks_dropped_total{queue="low"} 1',
      'threadmill_tasks_undecodable_total{queue="default"} 1',
      'threadmill_tasks_lost_total{queue="default"} 1',
      'threadmill_tasks_stopped_total{reason="timeout"} 1',
      'threadmill_threads_exited_total 1',
    ],
  );
});

test('gauges show the moment of the scrape, and the loop and Node are measured', async () => {
  const source = new FakeSource();
  const metrics = metricsOf(source);
  source.figures = { threadsTotal: 8, threadsBusy: 7, active: 6, stuck: 2 };
  assert.deepEqual(
    await lines(
      metrics,
      'threadmill_threads_busy',
      'threadmill_threads_total',
      'threadmill_tasks_in_progress',
      'threadmill_tasks_stuck',
    ),
    [
      'threadmill_tasks_in_progress 6',
      'threadmill_tasks_stuck 2',
      'threadmill_threads_busy 7',
      'threadmill_threads_total 8',
    ],
  );
  assert.equal((await lines(metrics, 'threadmill_event_loop_lag_seconds')).length, 3);
  assert.equal((await lines(metrics, 'nodejs_heap_size_used_bytes')).length, 1);
});

test('the first 200 task types are labels, the rest is other; so are queues that are not configured', async () => {
  const source = new FakeSource();
  const metrics = metricsOf(source);
  for (let index = 0; index < 250; index += 1) {
    source.emit('succeeded', { task: taskRef({ type: `type:${index}` }), runMs: 1, isKept: false });
  }
  source.emit('succeeded', {
    task: taskRef({ type: 'type:0', queue: 'strange' }),
    runMs: 1,
    isKept: false,
  });
  const found = await lines(metrics, 'threadmill_tasks_processed_total');
  assert.equal(found.length, 202);
  assert.ok(found.includes('threadmill_tasks_processed_total{queue="default",type="other"} 50'));
  assert.ok(found.includes('threadmill_tasks_processed_total{queue="other",type="type:0"} 1'));
});

test("queues are shown under the names and types of asynq's exporter, with a word about max", async () => {
  const source = new FakeSource();
  source.answer = (queue) => Promise.resolve(queueInfo(queue, { isPaused: queue === 'low' }));
  const { body } = await metricsOf(source).scrape();
  for (const [name, type] of [
    ['asynq_tasks_enqueued_total', 'gauge'],
    ['asynq_queue_size', 'gauge'],
    ['asynq_queue_latency_seconds', 'gauge'],
    ['asynq_queue_memory_usage_approx_bytes', 'gauge'],
    ['asynq_queue_paused_total', 'gauge'],
    ['asynq_tasks_processed_total', 'counter'],
    ['asynq_tasks_failed_total', 'counter'],
  ]) {
    assert.ok(body.includes(`# TYPE ${name} ${type}\n`), name);
    assert.match(body, new RegExp(`# HELP ${name} .*not this server: use max by \\(queue\\)`));
  }
  const found = body.split('\n').filter((line) => /^asynq_.*queue="low"/.test(line));
  assert.deepEqual(found.sort(), [
    'asynq_queue_latency_seconds{queue="low"} 1.5',
    'asynq_queue_memory_usage_approx_bytes{queue="low"} 4096',
    'asynq_queue_paused_total{queue="low"} 1',
    'asynq_queue_size{queue="low"} 28',
    'asynq_tasks_enqueued_total{queue="low",state="active"} 1',
    'asynq_tasks_enqueued_total{queue="low",state="archived"} 5',
    'asynq_tasks_enqueued_total{queue="low",state="completed"} 6',
    'asynq_tasks_enqueued_total{queue="low",state="pending"} 2',
    'asynq_tasks_enqueued_total{queue="low",state="retry"} 4',
    'asynq_tasks_enqueued_total{queue="low",state="scheduled"} 3',
    'asynq_tasks_failed_total{queue="low"} 10',
    'asynq_tasks_processed_total{queue="low"} 100',
  ]);
});

test('one look at Redis serves every scrape of a second, also scrapes that come together', async () => {
  const source = new FakeSource();
  let now = 0;
  const metrics = metricsOf(source, { clock: { wallMs: () => 0, monotonicMs: () => now } });
  await Promise.all([metrics.scrape(), metrics.scrape(), metrics.scrape()]);
  now = 999;
  await metrics.scrape();
  assert.deepEqual(source.asked, ['default', 'low']);
  now = 1000;
  await metrics.scrape();
  assert.deepEqual(source.asked, ['default', 'low', 'default', 'low']);
});

test('totals of a queue are shown as Redis has them, not summed over scrapes', async () => {
  const source = new FakeSource();
  let now = 0;
  const metrics = metricsOf(source, {
    queueMetrics: ['low'],
    clock: { wallMs: () => 0, monotonicMs: () => now },
  });
  await metrics.scrape();
  now = 5000;
  assert.deepEqual(await lines(metrics, 'asynq_tasks_processed_total'), [
    'asynq_tasks_processed_total{queue="low"} 100',
  ]);
});

test('a Redis that fails does not fail the scrape: the last figures stay and are called stale', async () => {
  const source = new FakeSource();
  let now = 0;
  const metrics = metricsOf(source, { clock: { wallMs: () => 0, monotonicMs: () => now } });
  assert.deepEqual(await lines(metrics, 'threadmill_queue_metrics_stale'), [
    'threadmill_queue_metrics_stale 0',
  ]);
  source.answer = () => Promise.reject(new Error('away'));
  now = 2000;
  assert.deepEqual(
    await lines(
      metrics,
      'threadmill_queue_metrics_stale',
      'asynq_queue_size{queue="low"}',
      'threadmill_threads_total',
    ),
    [
      'threadmill_threads_total 4',
      'asynq_queue_size{queue="low"} 28',
      'threadmill_queue_metrics_stale 1',
    ],
  );
});

test('a Redis that does not answer holds up a scrape for no more than two seconds', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const source = new FakeSource();
  source.answer = () => new Promise(() => undefined);
  const scrape = metricsOf(source).scrape();
  context.mock.timers.tick(2000);
  assert.match((await scrape).body, /threadmill_queue_metrics_stale 1/);
});

test('queue metrics can be switched off, or name other queues', async () => {
  const off = new FakeSource();
  assert.deepEqual(await lines(metricsOf(off, { queueMetrics: false }), 'asynq_'), []);
  assert.deepEqual(off.asked, []);
  const others = new FakeSource();
  await metricsOf(others, { queueMetrics: ['elsewhere'] }).scrape();
  assert.deepEqual(others.asked, ['elsewhere']);
});
