/**
 * The metrics of the process and of Node.js, by prom-client, except for the lag of the loop. Its own sampler would wake an
 * idle process as often as ours does, and reports whole distances between two samples: a loop that never stood still shows
 * the length of its interval. So it is left asleep, and its figures are those of our sampler, under the same names.
 */
import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';
import type { LoopLag, LoopLagReading } from './loop-lag.ts';

/** The longest that a timer takes: its sampler never samples. */
const NEVER_MS = 2 ** 31 - 1;
const MS_PER_SECOND = 1_000;

const LAG: readonly (readonly [keyof LoopLagReading, string])[] = [
  ['min', 'Shortest time that the main loop did not turn.'],
  ['max', 'Longest time that the main loop did not turn.'],
  ['mean', 'Mean of the times that the main loop did not turn.'],
  ['stddev', 'Standard deviation of the times that the main loop did not turn.'],
  ['p50', 'Median of the times that the main loop did not turn.'],
  ['p90', '90th percentile of the times that the main loop did not turn.'],
  ['p99', '99th percentile of the times that the main loop did not turn.'],
];

/** Registers them. Lag in seconds, over the last ten to twenty seconds, as names and dashboards for Node.js have it. */
export function registerNodeMetrics(register: Registry, lag: LoopLag): void {
  collectDefaultMetrics({ register, eventLoopMonitoringPrecision: NEVER_MS });
  const gauges = LAG.map(([figure, help], index) => {
    const name = `nodejs_eventloop_lag_${figure}_seconds`;
    register.removeSingleMetric(name);
    const gauge = new Gauge({
      name,
      help,
      aggregator: 'max', // where several processes are summed up, the worst counts
      registers: [register],
      // The first of them is asked first, and sets all: a reading takes a good part of a millisecond.
      ...(index === 0 && { collect: () => setAll() }),
    });
    return { figure, gauge };
  });
  const setAll = (): void => {
    const reading = lag.read();
    for (const { figure, gauge } of gauges) gauge.set(reading[figure] / MS_PER_SECOND);
  };
}
