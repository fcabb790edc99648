/** Verdicts on what is in a queue: a table of what each kind of damage means and who mends it. */
import { type CheckName, type Finding, type Tally, well } from './finding.ts';

/** Kinds of damage that are counted by queue. */
export type DamageName = Extract<
  CheckName,
  | 'ids-without-hash'
  | 'empty-tasks'
  | 'tasks-in-no-list'
  | 'wrong-states'
  | 'wrong-scores'
  | 'unleased-tasks'
  | 'stray-leases'
  | 'stuck-tasks'
  | 'overdue-tasks'
  | 'empty-groups'
  | 'unlisted-groups'
  | 'leaked-locks'
>;

interface Damage {
  /** What they are, after their number: `3 task IDs without a hash`. */
  readonly one: string;
  readonly many: string;
  /** What they do. */
  readonly harm: string;
  /** What mending did, before `one` or `many`; absent where nothing is mended. */
  readonly mendedBy?: string;
  readonly advice: (queue: string) => string;
  /** What is said when there are none. */
  readonly none: string;
}

const FIX = (): string => 'threadmill doctor --fix';

/** Every kind, in the order in which they are shown. */
export const DAMAGES: Readonly<Record<DamageName, Damage>> = {
  'ids-without-hash': {
    one: 'task ID without a hash',
    many: 'task IDs without a hash',
    harm: 'tools of asynq fail on the queue',
    mendedBy: 'removed',
    advice: FIX,
    none: 'every listed task has a hash',
  },
  'empty-tasks': {
    one: 'active task with an empty hash',
    many: 'active tasks with an empty hash',
    harm: 'there is nothing to run',
    advice: (queue) =>
      `a server of Threadmill archives it when its lease is over: threadmill serve --queues ${queue}=1`,
    none: 'every active task has a message',
  },
  'tasks-in-no-list': {
    one: 'task in no list',
    many: 'tasks in no list',
    harm: 'never run, never deleted, and the ID stays taken',
    advice: (queue) =>
      `look at it: threadmill task inspect -q ${queue} -i <id>; then redis-cli DEL 'asynq:{${queue}}:t:<id>' and enqueue it again if it is needed`,
    none: 'every task is in the list of its state',
  },
  'wrong-states': {
    one: 'task in the list of another state',
    many: 'tasks in the list of another state',
    harm: 'tools look for it where it is not',
    advice: (queue) =>
      `look at it: threadmill task inspect -q ${queue} -i <id>; the state in its hash must name the list`,
    none: 'every task is in the list of its state',
  },
  'wrong-scores': {
    one: 'score that is no whole second',
    many: 'scores that are no whole seconds',
    harm: 'milliseconds sleep for millennia, fractions break older tools',
    advice: (queue) =>
      `find the client that wrote it; a task that waits can be run or deleted: threadmill task run -q ${queue} -i <id>`,
    none: 'all scores are seconds',
  },
  'unleased-tasks': {
    one: 'active task without a lease',
    many: 'active tasks without a lease',
    harm: 'its server may be gone',
    mendedBy: 'given back to the queue:',
    advice: () =>
      'servers of Threadmill give it back within two minutes; otherwise threadmill doctor --fix',
    none: 'every active task has a lease',
  },
  'stray-leases': {
    one: 'lease of a task that is not active',
    many: 'leases of tasks that are not active',
    harm: 'servers of asynq try to recover it again and again',
    mendedBy: 'put right',
    advice: FIX,
    none: 'every lease is that of an active task',
  },
  'stuck-tasks': {
    one: 'stuck task, whose lease is over',
    many: 'stuck tasks, whose leases are over',
    harm: 'nobody recovers it',
    advice: (queue) => `start a server for it: threadmill serve --queues ${queue}=1`,
    none: 'no lease has been over for long',
  },
  'overdue-tasks': {
    one: 'task that has been due for over a minute',
    many: 'tasks that have been due for over a minute',
    harm: 'nobody forwards it',
    advice: (queue) => `start a server for it: threadmill serve --queues ${queue}=1`,
    none: 'no scheduled task is late',
  },
  'empty-groups': {
    one: 'group name without tasks',
    many: 'group names without tasks',
    harm: 'asynq reports a memory usage of -2^63',
    mendedBy: 'removed',
    advice: FIX,
    none: 'every listed group has tasks',
  },
  'unlisted-groups': {
    one: 'group that is not listed',
    many: 'groups that are not listed',
    harm: 'its tasks are never aggregated',
    mendedBy: 'listed',
    advice: FIX,
    none: 'every group is listed',
  },
  'leaked-locks': {
    one: 'unique lock that no task holds',
    many: 'unique locks that no task holds',
    harm: 'new tasks are refused as duplicates until it runs out',
    mendedBy: 'released',
    advice: FIX,
    none: 'every unique lock is held by a task',
  },
};

/** The verdict on one kind of damage in one queue; `undefined` when there is none of it. */
export function judgeDamage(check: DamageName, queue: string, tally: Tally): Finding | undefined {
  const { count, mended, samples } = tally;
  if (count === 0) return undefined;
  const damage = DAMAGES[check];
  const isFixable = damage.mendedBy !== undefined;
  const facts = { check, queue, count, mended, samples, isFixable };
  const noun = (number: number): string => `${number} ${number === 1 ? damage.one : damage.many}`;
  const done = mended > 0 ? `${damage.mendedBy ?? ''} ${noun(mended)}` : '';
  if (mended >= count) return { ...facts, status: 'mended', text: done };
  const left = `${noun(count - mended)}: ${damage.harm}`;
  const text = done === '' ? left : `${done}; left: ${left}`;
  return { ...facts, status: 'problem', text, advice: damage.advice(shellWord(queue)) };
}

/** The verdict when no queue has any. */
export function judgeNoDamage(check: DamageName): Finding {
  return well(check, DAMAGES[check].none);
}

/** As it is typed into a shell. */
function shellWord(text: string): string {
  return /^[\w.:@/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
