/** One run from beginning to end: start everything, let things happen, wait until all is settled, end it all, judge. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../helpers/paths.ts';
import { seededRandom } from '../helpers/random.ts';
import { assess } from './assess.ts';
import { Guard } from './guard.ts';
import { EVERYTHING, makePlan } from './plan.ts';
import type { Outcome } from './report.ts';
import { makeSabotagedCopy, type Sabotage, SABOTAGES } from './sabotage.ts';
import { perform } from './stage.ts';
import { makeTaskSet } from './task-set.ts';

/** What a run is made of. */
export interface RunOptions {
  readonly seconds: number;
  readonly seed: number;
  readonly sabotage: Sabotage | undefined;
  /** The run's folder stays. It does so too when the run is red and nothing was sabotaged. */
  readonly isKept: boolean;
  /** Tells how it goes. */
  note(line: string): void;
}

/** Runs. Rejects where the run itself could not be carried out; what it found is in the outcome. */
export async function runChaos(options: RunOptions): Promise<Outcome> {
  const { seconds, seed, sabotage, note } = options;
  const lengthMs = seconds * 1_000;
  const folder = mkdtempSync(join(tmpdir(), 'threadmill-chaos-'));
  const run = randomUUID();
  const guard = new Guard();
  let isKept = options.isKept;
  const clearUp = (): void => {
    guard.killAll();
    if (!isKept) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  const interrupted = onInterrupt(clearUp);
  try {
    const recipe = sabotage === undefined ? EVERYTHING : SABOTAGES[sabotage].recipe;
    const plan = makePlan({ random: seededRandom(seed), lengthMs, recipe });
    const tasks = makeTaskSet({
      random: seededRandom(seed + 1),
      lengthMs,
      prefix: `${seed}-`,
      ...(sabotage === undefined ? {} : { mix: SABOTAGES[sabotage].mix }),
    });
    const dist =
      sabotage === undefined ? join(packageRoot, 'dist') : makeSabotagedCopy(sabotage, folder);
    note(`seed ${seed}, ${seconds} s, ${tasks.length} tasks, ${plan.length} events`);
    if (sabotage !== undefined) note(`sabotage: ${SABOTAGES[sabotage].breaks}`);
    const isSabotaged = sabotage !== undefined;
    const stage = { plan, tasks, dist, folder, run, guard, lengthMs, isSabotaged };
    const played = await perform({ ...stage, note });
    const outcome = assess({ ...played, tasks, plan, seed, seconds, sabotage });
    isKept ||= outcome.isRed && !isSabotaged; // what went wrong is in there
    if (isKept) {
      writeFileSync(join(folder, 'outcome.json'), JSON.stringify({ outcome, ...played.kept }));
      note(`kept: ${folder}`);
    }
    return outcome;
  } finally {
    clearUp();
    guard.close();
    interrupted.off();
  }
}

/** Ctrl-C and SIGTERM end what was started, and then this process as the signal would have. */
function onInterrupt(end: () => void): { off(): void } {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const listener = (signal: NodeJS.Signals): void => {
    end();
    off();
    process.kill(process.pid, signal);
  };
  const off = (): void => {
    for (const signal of signals) process.off(signal, listener);
  };
  for (const signal of signals) process.on(signal, listener);
  return { off };
}
