/** The outcome of a run as text: no colours, so that it reads the same on a terminal and in a pipe. */
import type { Effect } from './effects.ts';
import type { Finding } from './oracle.ts';
import type { Recovery, RecoveryTimes } from './recovery.ts';

/** Everything that is printed at the end. */
export interface Outcome {
  readonly seed: number;
  readonly seconds: number;
  readonly sabotage: string | undefined;
  readonly findings: readonly Finding[];
  readonly effects: readonly Effect[];
  /** Kinds without effect, and what kept the run from being one. */
  readonly failures: readonly string[];
  readonly recovery: Recovery;
  readonly tasks: number;
  readonly executions: number;
  readonly uncertainEnqueues: number;
  /** How far Redis TIME and the clock of the records went apart while the run lasted. */
  readonly driftMs: number;
  readonly isRed: boolean;
}

const SHOWN = 5;

/** The lines. */
export function renderOutcome(outcome: Outcome): string[] {
  const { findings, effects, failures, recovery, isRed } = outcome;
  const width = Math.max(...findings.map(({ what }) => what.length));
  return [
    '',
    'injected',
    ...effects.map(
      ({ kind, count, effective, unit, total }) =>
        `  ${kind.padEnd(20)} ${String(count).padStart(4)}, ${effective} with effect: ${total} ${unit}`,
    ),
    '',
    'found',
    ...findings.flatMap(({ what, cases }) => [
      `  ${what.padEnd(width)}  ${cases.length}`,
      ...shortened(cases).map((text) => `      ${text}`),
    ]),
    '',
    `recovery       ${times(recovery.all)}`,
    `  after death  ${times(recovery.death)}`,
    `  after freeze ${times(recovery.freeze)}`,
    `executions     ${outcome.executions} of ${outcome.tasks} tasks (${outcome.uncertainEnqueues} enqueues without a reply)`,
    `clock          records in Redis TIME, ${Math.abs(outcome.driftMs).toFixed(1)} ms of drift`,
    ...failures.map((text) => `FAILED         ${text}`),
    `${isRed ? 'RED' : 'GREEN'}: seed ${outcome.seed}, ${outcome.seconds} s${sabotaged(outcome)}`,
    ...(isRed ? [`replay: ${replay(outcome)}`] : []),
  ];
}

/** The command that makes the same plan again. */
export function replay({ seed, seconds, sabotage }: Outcome): string {
  const isMinutes = seconds % 60 === 0 && seconds > 60;
  const length = isMinutes ? `--minutes ${seconds / 60}` : `--seconds ${seconds}`;
  const broken = sabotage === undefined ? '' : ` --sabotage ${sabotage}`;
  return `npm run chaos -- --seed ${seed} ${length}${broken}`;
}

function sabotaged({ sabotage }: Outcome): string {
  return sabotage === undefined ? '' : `, sabotaged: ${sabotage}`;
}

function shortened(cases: readonly string[]): string[] {
  const rest = cases.length - SHOWN;
  return rest <= 0 ? [...cases] : [...cases.slice(0, SHOWN), `and ${rest} more`];
}

function times({ count, p50Ms, maxMs }: RecoveryTimes): string {
  if (count === 0) return 'no task was hit';
  return `p50 ${inSeconds(p50Ms)}, max ${inSeconds(maxMs)} (${count} tasks hit)`;
}

function inSeconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}
