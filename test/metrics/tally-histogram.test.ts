import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Histogram, Registry } from 'prom-client';
import { sumMetrics, readMetrics } from '../../src/metrics/aggregate.ts';
import { createMetrics } from '../../src/metrics/create-metrics.ts';
import { TallyHistogram } from '../../src/metrics/tally-histogram.ts';
import { FakeSource, taskRef } from './fake-source.ts';

const OPTIONS = {
  name: 'seconds',
  help: 'Some time.',
  labelNames: ['queue', 'type'] as const,
  buckets: [0.001, 0.5, 10],
};

/** The same observations in ours and in prom-client's own. */
function both(): { ours: Registry; theirs: Registry; observe(type: string, value: number): void } {
  const [ours, theirs] = [new Registry(), new Registry()];
  const tally = new TallyHistogram(OPTIONS);
  tally.registerIn(ours);
  const series = new Map(
    ['a', 'b"\n\\', 'never'].map((type) => [type, tally.series({ queue: 'q', type })]),
  );
  const histogram = new Histogram({ ...OPTIONS, registers: [theirs] });
  const observe = (type: string, value: number): void => {
    series.get(type)?.observe(value);
    histogram.observe({ queue: 'q', type }, value);
  };
  return { ours, theirs, observe };
}

test('a scrape shows to the letter what a histogram of prom-client would, summed over processes too', async () => {
  const { ours, theirs, observe } = both();
  assert.equal(await ours.metrics(), await theirs.metrics());
  for (const value of [0, 0.001, 0.0011, 0.5, 0.3, 10, 10.5, 1e9, -1]) observe('a', value);
  observe('b"\n\\', 0.1);
  observe('b"\n\\', 0.2);
  assert.equal(await ours.metrics(), await theirs.metrics());
  const sumOf = async (registry: Registry): Promise<string> => {
    const record = await readMetrics(registry);
    return (await sumMetrics([record, record])).body;
  };
  assert.equal(await sumOf(ours), await sumOf(theirs));
  ours.resetMetrics();
  theirs.resetMetrics();
  assert.equal(await ours.metrics(), await theirs.metrics());
});

test('what is no finite number is refused, and nothing is counted of it', async () => {
  const { ours, observe } = both();
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => observe('a', value), TypeError);
  }
  assert.doesNotMatch(await ours.metrics(), /queue=/);
});

test('after thousands of short tasks a scrape counts each of them in its bucket, also at the next scrape', async () => {
  const source = new FakeSource();
  const metrics = createMetrics(source, { queueMetrics: false });
  after(() => metrics.stop());
  const run = (times: number, type: string, runMs: number): void => {
    for (let count = 0; count < times; count += 1) {
      const task = taskRef({ id: `${type}-${count}`, type });
      source.emit('started', { task, threadId: 1, waitMs: 125 });
      source.emit('succeeded', { task, runMs, isKept: false });
    }
  };
  const shown = async (): Promise<string[]> => {
    const { body } = await metrics.scrape();
    const wanted =
      /^threadmill_task(s_processed_total|_run_seconds_(count|bucket\{le="0\.005")|_wait_seconds_(count|sum))/;
    return body.split('\n').filter((line) => wanted.test(line));
  };
  run(3_000, 'quick', 0.02);
  run(500, 'slow', 7);
  source.emit('revoked', { task: taskRef({ type: 'slow' }), error: new Error('x'), runMs: 1 });
  assert.deepEqual(await shown(), [
    'threadmill_tasks_processed_total{queue="default",type="slow"} 501',
    'threadmill_tasks_processed_total{queue="default",type="quick"} 3000',
    'threadmill_task_run_seconds_bucket{le="0.005",queue="default",type="quick"} 3000',
    'threadmill_task_run_seconds_count{queue="default",type="quick"} 3000',
    'threadmill_task_run_seconds_bucket{le="0.005",queue="default",type="slow"} 1',
    'threadmill_task_run_seconds_count{queue="default",type="slow"} 501',
    'threadmill_task_wait_seconds_sum{queue="default"} 437.5',
    'threadmill_task_wait_seconds_count{queue="default"} 3500',
  ]);
  run(2, 'quick', 0.02);
  const again = await shown();
  assert.ok(again.includes('threadmill_tasks_processed_total{queue="default",type="quick"} 3002'));
  assert.deepEqual(await shown(), again);
});
