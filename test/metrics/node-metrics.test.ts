import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { registerNodeMetrics } from '../../src/metrics/node-metrics.ts';

test('the lag of the loop under the names of Node.js is that of the one sampler, in seconds', async () => {
  const registry = new Registry();
  let reads = 0;
  const reading = { min: 1, mean: 3, stddev: 2, p50: 2.5, p90: 7, p99: 40, max: 50 };
  registerNodeMetrics(registry, {
    read: () => {
      reads += 1;
      return reading;
    },
    longestMs: () => reading.max,
    stop: () => undefined,
  });
  for (let scrape = 0; scrape < 2; scrape += 1) {
    const body = await registry.metrics();
    const lines = body.split('\n').filter((line) => line.startsWith('nodejs_eventloop_lag_'));
    const byName = new Map(
      lines.map((line) => line.split(' ')).map(([name, value]) => [name, value]),
    );
    byName.delete('nodejs_eventloop_lag_seconds'); // measured at the scrape itself
    assert.deepEqual([...byName].sort(), [
      ['nodejs_eventloop_lag_max_seconds', '0.05'],
      ['nodejs_eventloop_lag_mean_seconds', '0.003'],
      ['nodejs_eventloop_lag_min_seconds', '0.001'],
      ['nodejs_eventloop_lag_p50_seconds', '0.0025'],
      ['nodejs_eventloop_lag_p90_seconds', '0.007'],
      ['nodejs_eventloop_lag_p99_seconds', '0.04'],
      ['nodejs_eventloop_lag_stddev_seconds', '0.002'],
    ]);
    assert.equal(reads, scrape + 1);
    assert.ok(body.includes('process_resident_memory_bytes '));
    assert.ok(body.includes('nodejs_heap_size_used_bytes '));
  }
});
