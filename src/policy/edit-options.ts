/** What a caller hands in to change a task that waits, checked: which task, and when it is to become due. */
import { InvalidOptionsError, type OptionIssue } from '../errors.ts';
import { DEFAULT_QUEUE } from '../task.ts';
import { EnqueueChecks } from './enqueue-checks.ts';
import type { EnqueueWhen } from './enqueue-options.ts';
import { unknownOption } from './suggest.ts';

/** Which task is meant. */
export interface TaskAddress {
  readonly queue: string;
  readonly taskId: string;
}

const WHEN_NAMES: readonly string[] = ['processAt', 'processIn', 'now'];
const ONE_OF_THREE = 'an object with one of processAt, processIn and now: true';

/** `{ id, queue }` or a whole `TaskInfo`; throws `InvalidOptionsError`. Queue: `default` unless given. */
export function checkTaskAddress(task: unknown): TaskAddress {
  const issues: OptionIssue[] = [];
  const checks = new EnqueueChecks(issues);
  const { id, queue } = asRecord('task', task, 'an object with an id: { id, queue }');
  const taskId = checks.name({ name: 'task.id', value: id });
  const name = queue === undefined ? undefined : { name: 'task.queue', value: queue };
  const address = { taskId: taskId ?? '', queue: checks.queue(name) ?? DEFAULT_QUEUE };
  if (issues.length > 0) throw new InvalidOptionsError(issues);
  return address;
}

/** When the task is to become due; `undefined` = at once. Throws `InvalidOptionsError`. */
export function checkReschedule(when: unknown): EnqueueWhen | undefined {
  const issues: OptionIssue[] = [];
  const given = Object.entries(asRecord('when', when, ONE_OF_THREE)).filter(
    ([, value]) => value !== undefined,
  );
  for (const [name, value] of given) {
    if (!WHEN_NAMES.includes(name)) {
      issues.push({ name, value, accepts: unknownOption(name, WHEN_NAMES) });
    }
  }
  const due = dueOf(Object.fromEntries(given), new EnqueueChecks(issues));
  if (issues.length === 0 && given.length !== 1) {
    issues.push({ name: 'when', value: when, accepts: ONE_OF_THREE });
  }
  if (issues.length > 0) throw new InvalidOptionsError(issues, 'time');
  return due;
}

function dueOf(when: Record<string, unknown>, checks: EnqueueChecks): EnqueueWhen | undefined {
  const named = (name: string) => (name in when ? { name, value: when[name] } : undefined);
  checks.yes(named('now'));
  const at = checks.instantMs(named('processAt'));
  if (at !== undefined) return { at };
  const delayMs = checks.delayMs(named('processIn'));
  return delayMs === undefined || delayMs === 0 ? undefined : { in: delayMs };
}

function asRecord(name: string, value: unknown, accepts: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  throw new InvalidOptionsError([{ name, value, accepts }]);
}
