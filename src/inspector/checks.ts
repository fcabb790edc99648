/** Checks what the inspector is given. */
import { InvalidOptionsError, type OptionIssue } from '../errors.ts';
import { EnqueueChecks } from '../policy/enqueue-checks.ts';
import { isTaskState } from '../policy/task-info.ts';
import type { TaskState } from '../task.ts';
import type { PageOptions } from './types.ts';

/** Entries per page unless said otherwise, as in asynq. */
const DEFAULT_SIZE = 30;
const MAX_SIZE = 1000;
/** Daily counters live for 90 days. */
const MAX_DAYS = 366;
const STATES = 'active, pending, scheduled, retry, archived, completed or aggregating';

/** Throws `InvalidOptionsError` if there is an issue. */
export function throwIssues(issues: readonly OptionIssue[]): void {
  if (issues.length > 0) throw new InvalidOptionsError(issues);
}

/** A name that is not blank. Throws `InvalidOptionsError`. */
export function checkName(name: string, value: unknown): string {
  const issues: OptionIssue[] = [];
  const checked = new EnqueueChecks(issues).name({ name, value });
  throwIssues(issues);
  return checked ?? '';
}

/** From the first entry of a page, how many entries. Throws `InvalidOptionsError`. */
export function checkPage({ page = 1, size = DEFAULT_SIZE }: PageOptions): Required<PageOptions> {
  const issues: OptionIssue[] = [];
  if (!isWithin(page, 1, Number.MAX_SAFE_INTEGER / MAX_SIZE)) {
    issues.push({ name: 'page', value: page, accepts: 'a whole number from 1' });
  }
  if (!isWithin(size, 1, MAX_SIZE)) {
    issues.push({ name: 'size', value: size, accepts: `a whole number from 1 to ${MAX_SIZE}` });
  }
  throwIssues(issues);
  return { page, size };
}

/** A number of days. Throws `InvalidOptionsError`. */
export function checkDays(days: unknown): number {
  if (isWithin(days, 1, MAX_DAYS)) return days;
  const accepts = `a whole number from 1 to ${MAX_DAYS}`;
  throw new InvalidOptionsError([{ name: 'days', value: days, accepts }]);
}

/** Notes what is wrong with a state and the group that must, or must not, come with it. */
export function checkState(state: TaskState, group: string | undefined): OptionIssue[] {
  if (!isTaskState(state)) return [{ name: 'state', value: state, accepts: STATES }];
  if (state !== 'aggregating') {
    if (group === undefined) return [];
    return [{ name: 'group', value: group, accepts: 'a group only with state aggregating' }];
  }
  const issues: OptionIssue[] = [];
  new EnqueueChecks(issues).name({ name: 'group', value: group });
  return issues;
}

function isWithin(value: unknown, least: number, most: number): value is number {
  return Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
}
