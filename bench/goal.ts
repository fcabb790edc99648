/** What a row has to reach, and whether it did. No IO. */
import type { Spread } from './stats.ts';

/** A bound for a row's ratio, or for its figure where it has no peer. */
export interface Goal {
  readonly bound: number;
  readonly direction: 'at least' | 'at most';
  /** For people, e.g. `>= 3.3`. */
  readonly text: string;
  /**
   * The share of the goal that `--quick` asks for, above 0 and at most 1. Default: {@link QUICK_SHARE} where a ratio is
   * judged; a figure without a peer is not judged at all, as the machine is part of it. A figure that the machine's
   * load cannot change, such as a count of commands, should name one.
   */
  readonly quickShare?: number;
}

/** `unclear`: the middle of the samples is on the wrong side of the goal, and its better quartile is not. */
export type Verdict = 'met' | 'missed' | 'unclear';

/** How strictly goals are read. */
export interface Bar {
  /** For people: what has to happen before a goal counts as missed. */
  readonly text: string;
  /** The share of its bound that a goal asks for where it does not say so itself; `undefined`: it is not judged. */
  readonly ratioShare: number;
  readonly figureShare: number | undefined;
  /** Whether a goal's own `quickShare` counts. */
  readonly isQuick: boolean;
  /** With fewer samples nothing is missed. */
  readonly fewestSamples: number;
}

/**
 * Chosen by what a busy machine does to five pairs: the slices of a pair differ by up to 14 % on a quiet machine and by
 * twice that on a busy one, so the fourth best of five pairs falls under 0.7 of the goal only when the middle lies far
 * below it.
 */
export const QUICK_SHARE = 0.7;
const QUICK_SAMPLES = 5;

/** The full run: a goal is missed when the better quartile of the pairs does not reach it. */
export const FULL_BAR: Bar = {
  text: 'missed: the better quartile does not reach the goal',
  ratioShare: 1,
  figureShare: 1,
  isQuick: false,
  fewestSamples: 1,
};

/** `--quick`: its few and short pairs tell only what is clearly wrong. */
export const QUICK_BAR: Bar = {
  text:
    `missed: the better quartile of at least ${QUICK_SAMPLES} pairs does not even reach ${QUICK_SHARE} of the goal, ` +
    'in two runs of the measure',
  ratioShare: QUICK_SHARE,
  figureShare: undefined,
  isQuick: true,
  fewestSamples: QUICK_SAMPLES,
};

/** A goal for something of which more is better. */
export function atLeast(
  bound: number,
  options: Partial<Pick<Goal, 'text' | 'quickShare'>> = {},
): Goal {
  return { bound, direction: 'at least', text: `>= ${bound}`, ...options };
}

/** A goal for something of which less is better. */
export function atMost(
  bound: number,
  options: Partial<Pick<Goal, 'text' | 'quickShare'>> = {},
): Goal {
  return { bound, direction: 'at most', text: `<= ${bound}`, ...options };
}

/** Judges samples. `kind`: whether they are ratios of pairs, or figures of their own. */
export function verdict(
  samples: Spread,
  goal: Goal,
  kind: 'ratio' | 'figure',
  bar: Bar = FULL_BAR,
): Verdict {
  const share = shareOf(goal, kind, bar);
  const keeps = (value: number, bound: number): boolean =>
    goal.direction === 'at least' ? value >= bound : value <= bound;
  if (keeps(samples.median, goal.bound)) return 'met';
  if (share === undefined || samples.count < bar.fewestSamples) return 'unclear';
  const [better, bound] =
    goal.direction === 'at least'
      ? [samples.q3, goal.bound * share]
      : [samples.q1, goal.bound / share];
  return keeps(better, bound) ? 'unclear' : 'missed';
}

function shareOf(goal: Goal, kind: 'ratio' | 'figure', bar: Bar): number | undefined {
  if (bar.isQuick && goal.quickShare !== undefined) return goal.quickShare;
  return kind === 'ratio' ? bar.ratioShare : bar.figureShare;
}
