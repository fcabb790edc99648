/** Schedulers on one Redis for a test file, and what they left behind in it. */
import { after } from 'node:test';
import type { Redis } from 'ioredis';
import { createRedisBroker } from '../../src/broker/redis-broker.ts';
import { InvalidOptionsError, type OptionIssue } from '../../src/errors.ts';
import { checkSchedule, type ScheduleOptions } from '../../src/policy/schedule-options.ts';
import { ScheduleRunner } from '../../src/scheduler/schedule-runner.ts';
import { queueKeys } from '../../src/wire/keys.ts';

/** How a runner is made. */
export interface RunnerOptions {
  readonly leadMs?: number;
  readonly connectTimeoutMs?: number;
  /** Seconds by which its Redis is ahead. */
  readonly offset?: number;
}

/** A runner that is ended after the tests of the file. Time travel, and a lead of 3 s. */
export function makeRunner(
  redis: string,
  options: ScheduleOptions,
  { leadMs = 3_000, connectTimeoutMs = 2_000, offset = 0 }: RunnerOptions = {},
): ScheduleRunner {
  const issues: OptionIssue[] = [];
  const schedule = checkSchedule(options, (path) => path, 1_000_000, issues);
  if (schedule === undefined) throw new InvalidOptionsError(issues);
  const broker = createRedisBroker({ redis, connectTimeoutMs, timeOffsetSeconds: offset });
  const runner = new ScheduleRunner({ broker, schedule, connectTimeoutMs, leadMs });
  after(async () => {
    await runner.stop();
    await broker.close();
  });
  return runner;
}

/** The ticks, in seconds since 1970, whose tasks wait in a queue, oldest first. Each as often as it is there. */
export async function pendingTicks(client: Redis, queue = 'default'): Promise<number[]> {
  const ids = await client.lrange(queueKeys(queue).pending, 0, -1);
  return ids.map(tickOf).reverse();
}

/** The tick in a task ID. */
export function tickOf(taskId: string): number {
  return Number(taskId.slice(taskId.lastIndexOf(':') + 1));
}

/** The places where a list of ticks does not go on in steps of `interval` seconds: doubled, out of order, left out. */
export function flaws(ticks: readonly number[], interval = 1): string[] {
  return ticks.flatMap((tick, i) => {
    const before = ticks[i - 1];
    return before === undefined || tick === before + interval ? [] : [`${before} -> ${tick}`];
  });
}
