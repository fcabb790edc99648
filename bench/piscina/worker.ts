/** The worker file of the bare Piscina pool. */
import { type JobData, type JobType, runJob } from '../work/jobs.ts';

/** Runs one job. */
export default function run(job: {
  readonly type: JobType;
  readonly data: JobData;
}): number | undefined {
  return runJob(job.type, job.data);
}
