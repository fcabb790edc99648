/**
 * The end of the fleet, within `shutdownTimeout + cancelGrace + 1 s` whatever happens, save what the machine keeps from this
 * process: children have a bound of their own that is a little shorter; then those that are left are killed, and what they
 * held is settled in what time is left.
 */
import type { Logger } from 'pino';
import type { Fleet } from './fleet.ts';
import type { DeathSettler } from './settle-death.ts';

/** What the shutdown works with. */
export interface ShutdownLimits {
  readonly fleet: Pick<Fleet, 'children' | 'close' | 'untilEmpty' | 'untilSettled'>;
  readonly deaths: Pick<DeathSettler, 'close'>;
  readonly shutdownTimeoutMs: number;
  readonly cancelGraceMs: number;
}

/** Beyond the tasks' own time: when the rest is killed, and when the process ends in any case. */
const KILL_AFTER_MS = 680;
const LEAVE_AFTER_MS = 970;
/**
 * What settling gets after the last child is gone, in time that this process has: where the machine kept it from running, both
 * timers would fire together, or settling take longer, and what was killed would stay active until its lease ends.
 */
const LEAST_MS = LEAVE_AFTER_MS - KILL_AFTER_MS;
/** It is counted in such slices; of one that ends late no more counts than a timer is late by itself. */
const SLICE_MS = 10;
const TIMER_MS = 2;
/** A loop that turns so slowly may also be this process's own fault. */
const MOST_MS = 5_000;
/** After that what fails is not tried again; what Redis has not answered yet is waited for as long as there is time. */
const REPEAT_MS = 250;

/** Ends all children, in order if they can. Never rejects. `exitCode`: of the process, should the time run out. */
export async function shutDownFleet(
  limits: ShutdownLimits,
  logger: Logger,
  exitCode: number,
): Promise<void> {
  const { fleet, deaths, shutdownTimeoutMs, cancelGraceMs } = limits;
  const tasksMs = shutdownTimeoutMs + cancelGraceMs;
  const leaveAt = performance.now() + tasksMs + LEAVE_AFTER_MS;
  fleet.close();
  logger.info({ children: fleet.children.length }, 'shutting down');
  // A Redis that hangs, or a client that reads slowly, must not hold up what was promised.
  let isLeaving = false;
  const leaveInTime = (): void => {
    if (isLeaving) return;
    isLeaving = true;
    const leave = (): void => afterOwnTime(LEAST_MS, () => process.exit(exitCode));
    setTimeout(leave, Math.max(0, leaveAt - LEAST_MS - performance.now())).unref();
  };
  for (const child of fleet.children) child.end('shutdown');
  const killer = setTimeout(() => {
    leaveInTime(); // whatever comes of the rest
    for (const child of fleet.children) {
      logger.error({ childPid: child.pid }, 'killing a child process: it has not ended in time');
      child.kill('shutdown');
    }
  }, tasksMs + KILL_AFTER_MS);
  await fleet.untilEmpty();
  clearTimeout(killer);
  leaveInTime();
  await within(fleet.untilSettled(), REPEAT_MS);
  deaths.close();
  await fleet.untilSettled();
  logger.info('shut down');
}

/** Calls back after so much time, less what the machine kept from this process; `MOST_MS` later in any case. */
function afterOwnTime(
  ms: number,
  call: () => void,
  until: number = performance.now() + ms + MOST_MS,
): void {
  if (ms <= 0 || performance.now() >= until) return call();
  const begunAt = performance.now();
  setTimeout(() => {
    const passed = Math.min(performance.now() - begunAt, SLICE_MS + TIMER_MS);
    afterOwnTime(ms - passed, call, until);
  }, SLICE_MS).unref();
}

async function within(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
