/** The verdict over a run: each promise with what broke it. Pure: a history and what Redis holds in, findings out. */
import { forgotten, type Trouble } from './check-forgotten.ts';
import { type LagAt, overlaps, overspent, unexplained } from './check-executions.ts';
import {
  attemptsSpent,
  doubleStates,
  type Expected,
  leakedLocks,
  lost,
  orphans,
  wrongEnds,
} from './check-state.ts';
import type { History } from './history.ts';
import type { Snapshot } from './snapshot.ts';

/** Everything that is judged. */
export interface Evidence {
  readonly expected: Expected;
  readonly history: History;
  /** What Redis holds at the end. */
  readonly final: Snapshot;
  /** What it held while the run went on. */
  readonly looks: readonly Snapshot[];
  readonly troubles: readonly Trouble[];
  /** Answers that no producer should get. */
  readonly wrongAnswers: readonly string[];
  /** Processes that are still there. */
  readonly left: readonly string[];
  readonly lagAt: LagAt;
}

/** One promise: `what` was found, 0 times if all is well. */
export interface Finding {
  readonly what: string;
  readonly cases: readonly string[];
}

/** All promises, in the order in which they are printed. */
export function judge(evidence: Evidence): Finding[] {
  const { expected, history, final, looks, troubles, wrongAnswers, left, lagAt } = evidence;
  return [
    finding('tasks lost', lost(expected, history, final)),
    finding('tasks in a wrong or double state', [
      ...wrongEnds(expected, history, final),
      ...[...looks, final].flatMap(doubleStates),
      ...forgotten(looks, history.processes, troubles),
      ...wrongAnswers,
    ]),
    finding('IDs without hash, hashes without place', orphans(final)),
    finding('leaked locks', leakedLocks(final)),
    finding(
      'attempts spent beyond failures and deaths while begun',
      overspent(history, attemptsSpent(expected, final)),
    ),
    finding(
      'executions beyond 1 + failures + kills, fences and stops while begun',
      unexplained(history),
    ),
    finding('executions of one task that overlap', overlaps(history, lagAt)),
    finding('processes left behind', left),
  ];
}

/** Several looks may see the same. */
function finding(what: string, cases: readonly string[]): Finding {
  return { what, cases: [...new Set(cases)] };
}
