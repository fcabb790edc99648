/** Turns what was played into an outcome. Pure. */
import type { Trouble } from './check-forgotten.ts';
import { effectsOf, withoutEffect } from './effects.ts';
import { type Outage, readHistory } from './history.ts';
import type { Injected } from './injector.ts';
import { judge } from './oracle.ts';
import type { PlannedEvent } from './plan.ts';
import { recoveryTimes } from './recovery.ts';
import type { Outcome } from './report.ts';
import type { Played } from './stage.ts';
import type { KnownTask } from './task-set.ts';

/** What a server needs to be well again after an event: a reconnect, or the end of a lease. */
const AFTER_MS = 15_000;

/** The outcome. */
export function assess(
  run: Played & {
    readonly tasks: readonly KnownTask[];
    readonly plan: readonly PlannedEvent[];
    readonly seed: number;
    readonly seconds: number;
    readonly sabotage: string | undefined;
  },
): Outcome {
  const { records, injected, produced, final, looks, offsetMs, tasks } = run;
  const outages = injected.flatMap((event) => outageOf(event, offsetMs));
  const history = readHistory(records, { offsetMs, outages });
  const findings = judge({
    expected: { tasks, stored: produced.stored },
    history,
    final,
    looks,
    troubles: injected.flatMap((event) => troubleOf(event, offsetMs)),
    wrongAnswers: produced.wrong,
    left: run.left,
    lagAt: run.lag.lagAt(offsetMs),
  });
  const effects = effectsOf(injected, history);
  const missing = new Set(run.plan.map(({ kind }) => kind));
  for (const { kind } of injected) missing.delete(kind);
  // A sabotaged run has few kinds of events and tasks: there only what is found counts.
  const shortcomings = [
    ...withoutEffect(effects),
    ...[...missing].map((kind) => `${kind} was planned and never injected`),
    ...run.ends.flatMap(({ pid, code, signal }) =>
      code === 0 ? [] : [`process ${pid} ended with ${code ?? signal} at the end`],
    ),
  ];
  const failures = run.sabotage === undefined ? shortcomings : [];
  return {
    seed: run.seed,
    seconds: run.seconds,
    sabotage: run.sabotage,
    findings,
    effects,
    failures,
    recovery: recoveryTimes(history),
    tasks: tasks.length,
    executions: history.executions.length,
    uncertainEnqueues: produced.uncertain,
    driftMs: run.driftMs,
    isRed: failures.length > 0 || findings.some(({ cases }) => cases.length > 0),
  };
}

/** A lost reply is no trouble: the server is well, and is to find out by itself. */
function troubleOf(event: Injected, offsetMs: number): Trouble[] {
  if (event.kind === 'lost-reply' || event.kind === 'cut' || event.kind === 'latency') return [];
  if (event.target === 'client') return [];
  return [
    {
      server: event.target === 'redis' ? undefined : event.target,
      fromMs: event.beganAt + offsetMs,
      toMs: event.endedAt + offsetMs + AFTER_MS,
    },
  ];
}

function outageOf({ kind, target, beganAt, endedAt }: Injected, offsetMs: number): Outage[] {
  if (kind !== 'half-open' && kind !== 'redis-restart') return [];
  const server = target === 'redis' ? undefined : target;
  return [{ server, fromAt: beganAt + offsetMs, toAt: endedAt + offsetMs }];
}
