/** Measures how long the main loop did not turn, over the last ten to twenty seconds. */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

/**
 * How often the loop is sampled, in milliseconds; the histogram holds whole distances, so this much of each is no lag. A loop
 * that stands still for less is met by a part of the samples only. Each sample wakes the process: every 100 ms they were half
 * of the wake-ups of an idle `serve`.
 */
export const LOOP_SAMPLE_MS = 250;
/** After this time a window becomes the previous one; readings cover both. */
const WINDOW_MS = 10_000;
const NS_PER_MS = 1e6;

/** Lag in milliseconds. */
export interface LoopLagReading {
  readonly min: number;
  readonly mean: number;
  readonly stddev: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** A running measurement. It does not keep the process alive. */
export interface LoopLag {
  /** All figures; that takes a pass over the histogram for each. */
  read(): LoopLagReading;
  /** The longest lag alone, for who asks often. */
  longestMs(): number;
  stop(): void;
}

const NONE: LoopLagReading = { min: 0, mean: 0, stddev: 0, p50: 0, p90: 0, p99: 0, max: 0 };

/** Starts to measure. */
export function startLoopLag(): LoopLag {
  const histogram = monitorEventLoopDelay({ resolution: LOOP_SAMPLE_MS });
  histogram.enable();
  let previous = NONE;
  let rolledAt = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    const { max, ...others } = readingOf(histogram);
    // What held this timer up may be in no sample: the histogram begins anew behind it.
    previous = { ...others, max: Math.max(max, now - rolledAt - WINDOW_MS) };
    rolledAt = now;
    histogram.reset();
  }, WINDOW_MS);
  timer.unref();
  return {
    read: () => worse(previous, readingOf(histogram)),
    longestMs: () => Math.max(previous.max, lag(histogram.max)),
    stop: () => {
      clearInterval(timer);
      histogram.disable();
    },
  };
}

function readingOf(histogram: IntervalHistogram): LoopLagReading {
  if (histogram.exceeds === 0 && Number.isNaN(histogram.mean)) return NONE;
  return {
    min: lag(histogram.min),
    mean: lag(histogram.mean),
    stddev: histogram.stddev / NS_PER_MS,
    p50: lag(histogram.percentile(50)),
    p90: lag(histogram.percentile(90)),
    p99: lag(histogram.percentile(99)),
    max: lag(histogram.max),
  };
}

function lag(ns: number): number {
  const ms = ns / NS_PER_MS - LOOP_SAMPLE_MS;
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}

/** Each figure of whichever window has the greater one; of the shortest, the smaller one. */
function worse(a: LoopLagReading, b: LoopLagReading): LoopLagReading {
  return {
    min: Math.min(a.min, b.min),
    mean: Math.max(a.mean, b.mean),
    stddev: Math.max(a.stddev, b.stddev),
    p50: Math.max(a.p50, b.p50),
    p90: Math.max(a.p90, b.p90),
    p99: Math.max(a.p99, b.p99),
    max: Math.max(a.max, b.max),
  };
}
