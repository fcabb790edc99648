import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deserialize, serialize } from 'node:v8';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import {
  countsOf,
  type MetricsRecord,
  readMetrics,
  sumCounts,
  sumMetrics,
} from '../../src/metrics/aggregate.ts';

/** What a process with these figures tells, as it arrives in another one. */
async function record(done: number, busy: number, lag: number): Promise<MetricsRecord> {
  const registry = new Registry();
  const registers = [registry];
  new Counter({ name: 'done_total', help: 'h', labelNames: ['type'], registers }).inc(
    { type: 'a' },
    done,
  );
  new Gauge({ name: 'busy', help: 'h', registers }).set(busy);
  new Gauge({ name: 'lag', help: 'h', aggregator: 'max', registers }).set(lag);
  new Histogram({ name: 'time', help: 'h', buckets: [1], registers }).observe(0.5);
  return deserialize(serialize(await readMetrics(registry))) as MetricsRecord;
}

test('counters, gauges and histograms are summed, lag is the worst of all', async () => {
  const { body, contentType } = await sumMetrics([await record(3, 1, 5), await record(4, 2, 9)]);
  assert.match(contentType, /^text\/plain/);
  for (const line of ['done_total{type="a"} 7', 'busy 3', 'lag 9', 'time_count 2', 'time_sum 1']) {
    assert.ok(body.split('\n').includes(line), `${line} in\n${body}`);
  }
});

test('of ended processes what they counted is kept, what they were at the moment is not', async () => {
  const ended = [countsOf(await record(3, 1, 5)), countsOf(await record(4, 2, 9))];
  const { body } = await sumMetrics([await record(1, 1, 1), await sumCounts(ended)]);
  for (const line of ['done_total{type="a"} 8', 'busy 1', 'lag 1', 'time_bucket{le="1"} 3']) {
    assert.ok(body.split('\n').includes(line), `${line} in\n${body}`);
  }
});
