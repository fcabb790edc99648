/** The jobs that every contender can run. */
import { nowMs, sendFirstLine } from './first-line.ts';
import { spin } from './spin.ts';

/** What a job carries; the same few bytes for every type. */
export interface JobData {
  /** Turns of the loop; 0 for jobs that do not spin. */
  readonly turns: number;
}

/** `noop` does nothing, `spin` computes, `stamp` says when it began. */
export type JobType = 'noop' | 'spin' | 'stamp';

/** Runs one job, for runtimes whose single entry gets jobs of all types. */
export function runJob(type: JobType, data: JobData): number | undefined {
  if (type === 'stamp') sendFirstLine(nowMs());
  return type === 'spin' ? spin(data.turns) : undefined;
}
