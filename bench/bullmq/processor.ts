/** The processor of BullMQ: called inline, or loaded by its worker threads from this file. */
import type { Job } from 'bullmq';
import { type JobData, type JobType, runJob } from '../work/jobs.ts';

/** Runs one job. Asynchronous, as BullMQ asks of a processor. */
export default async function processor(
  job: Pick<Job<JobData, number | undefined, JobType>, 'name' | 'data'>,
): Promise<number | undefined> {
  return runJob(job.name, job.data);
}
