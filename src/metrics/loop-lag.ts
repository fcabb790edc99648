/** Measures how long the main loop did not turn, over the last ten to twenty seconds. */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

/**
 * How often the loop is sampled, in milliseconds; the histogram holds whole distances, so this much of each is no lag. Each
 * sample wakes the process: every 40 ms they were nine of ten wake-ups of an idle supervisor, and two of three of its child.
 */
export const LOOP_SAMPLE_MS = 100;
/** After this time a window becomes the previous one; readings cover both. */
const WINDOW_MS = 10_000;
const NS_PER_MS = 1e6;

/** Lag in milliseconds. */
export interface LoopLagReading {
  readonly mean: number;
  readonly p99: number;
  readonly max: number;
}

/** A running measurement. It does not keep the process alive. */
export interface LoopLag {
  read(): LoopLagReading;
  stop(): void;
}

/** Starts to measure. */
export function startLoopLag(): LoopLag {
  const histogram = monitorEventLoopDelay({ resolution: LOOP_SAMPLE_MS });
  histogram.enable();
  let previous: LoopLagReading = { mean: 0, p99: 0, max: 0 };
  const timer = setInterval(() => {
    previous = readingOf(histogram);
    histogram.reset();
  }, WINDOW_MS);
  timer.unref();
  return {
    read: () => worse(previous, readingOf(histogram)),
    stop: () => {
      clearInterval(timer);
      histogram.disable();
    },
  };
}

function readingOf(histogram: IntervalHistogram): LoopLagReading {
  if (histogram.exceeds === 0 && Number.isNaN(histogram.mean)) return { mean: 0, p99: 0, max: 0 };
  return {
    mean: lag(histogram.mean),
    p99: lag(histogram.percentile(99)),
    max: lag(histogram.max),
  };
}

function lag(ns: number): number {
  const ms = ns / NS_PER_MS - LOOP_SAMPLE_MS;
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}

function worse(a: LoopLagReading, b: LoopLagReading): LoopLagReading {
  return {
    mean: Math.max(a.mean, b.mean),
    p99: Math.max(a.p99, b.p99),
    max: Math.max(a.max, b.max),
  };
}
