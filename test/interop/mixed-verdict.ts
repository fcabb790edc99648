/** Whether a mixed fleet lost or doubled anything, from what each server noted outside of Redis. Pure. */

/** One line of a server's log. */
export interface Note {
  readonly what: 'begin' | 'ok' | 'fail';
  readonly task: string;
  readonly retried: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** One server process from its start to its end. */
export interface Life {
  readonly name: string;
  readonly side: 'Go' | 'Threadmill';
  /** When it was killed with -9, if it was. */
  readonly killedAt?: number;
  readonly notes: readonly Note[];
}

/** What the producers were told of a task. */
export interface Enqueued {
  readonly task: string;
  /** Failures before it succeeds. */
  readonly failures: number;
  /** `false`: refused, as another task held its lock. */
  readonly isAccepted: boolean;
}

/** What is known of a run. */
export interface MixedRun {
  readonly lives: readonly Life[];
  readonly enqueued: readonly Enqueued[];
}

/** The answer, with figures that tell whether the run put anything to the test. */
export interface Verdict {
  /** What is wrong, in words; empty when nothing is. */
  readonly offences: readonly string[];
  readonly executions: Readonly<Record<Life['side'], number>>;
  /** Executions that a kill cut off, by the side that was killed. */
  readonly cut: Readonly<Record<Life['side'], number>>;
  /** Executions that had ended, but were not written to Redis before their server was killed. */
  readonly unsettled: number;
  readonly failures: number;
}

interface Execution {
  readonly task: string;
  readonly life: Life;
  readonly retried: number;
  readonly beganAt: number;
  readonly endedAt?: number;
  readonly how: 'ok' | 'fail' | 'cut';
}

/** What ended so shortly before its server was killed may not have reached Redis. */
const SETTLE_MS = 3_000;

/** Judges a run. A task may run once more only for each time that its server was killed while it ran it. */
export function judge({ lives, enqueued }: MixedRun): Verdict {
  const executions = lives.flatMap(executionsOf);
  const byTask = groupByTask(executions);
  const known = new Set(enqueued.map(({ task }) => task));
  const strangers = [...byTask.keys()].filter((task) => !known.has(task));
  const of = (side: Life['side'], how?: Execution['how']): number =>
    executions.filter((one) => one.life.side === side && (how === undefined || one.how === how))
      .length;
  return {
    offences: [
      ...strangers.map((task) => `${task} was run, and nobody enqueued it`),
      ...enqueued.flatMap((one) => offencesOf(one, byTask.get(one.task) ?? [])),
    ],
    executions: { Go: of('Go'), Threadmill: of('Threadmill') },
    cut: { Go: of('Go', 'cut'), Threadmill: of('Threadmill', 'cut') },
    unsettled: [...byTask.values()].flatMap((all) => all.slice(0, -1)).filter(isUnsettledSuccess)
      .length,
    failures: executions.filter(({ how }) => how === 'fail').length,
  };
}

/** A task runs once at a time on a server, so a "begin" belongs to the next end of its task there. */
function executionsOf(life: Life): Execution[] {
  const open = new Map<string, Execution>();
  const done: Execution[] = [];
  for (const { what, task, retried, at } of life.notes) {
    const begun = open.get(task);
    if (what === 'begin') {
      if (begun !== undefined) done.push(begun); // it began again without an end: cut, where it should not be
      open.set(task, { task, life, retried, beganAt: at, how: 'cut' });
    } else {
      open.delete(task);
      done.push({ task, life, retried, beganAt: begun?.beganAt ?? at, endedAt: at, how: what });
    }
  }
  return [...done, ...open.values()];
}

function groupByTask(executions: readonly Execution[]): Map<string, Execution[]> {
  const groups = new Map<string, Execution[]>();
  for (const one of executions) {
    const group = groups.get(one.task);
    if (group === undefined) groups.set(one.task, [one]);
    else group.push(one);
  }
  for (const group of groups.values()) group.sort((a, b) => a.beganAt - b.beganAt);
  return groups;
}

function offencesOf({ task, failures, isAccepted }: Enqueued, all: readonly Execution[]): string[] {
  if (!isAccepted) return all.length > 0 ? [`${task} was refused, and run`] : [];
  const settled = all.filter((one) => one.how !== 'cut' && !isUnsettled(one));
  const succeeded = all.filter(({ how }) => how === 'ok');
  const failed = settled.filter(({ how }) => how === 'fail').length;
  return [
    ...(succeeded.length === 0 ? [`${task} was lost: ${describe(all)}`] : []),
    ...(failed > failures ? [`${task} failed ${failed} times, not ${failures}`] : []),
    ...all.flatMap((one, at) => offencesOfExecution(one, all[at + 1])),
  ];
}

/** What is wrong with an execution, and with the one that came after it. */
function offencesOfExecution(one: Execution, next: Execution | undefined): string[] {
  const { task, life, how, endedAt } = one;
  const place = `${task} on ${life.name}`;
  if (how === 'cut' && life.killedAt === undefined) return [`${place} began and did not end`];
  if (next === undefined) return [];
  if (how === 'ok' && !isUnsettled(one)) return [`${place} was run again after its success`];
  const overAt = how === 'cut' ? life.killedAt : endedAt;
  return next.beganAt < (overAt ?? 0) ? [`${place} ran beside itself on ${next.life.name}`] : [];
}

/** Whether a kill may have come before its end was written to Redis. */
function isUnsettled({ life, endedAt }: Execution): boolean {
  if (life.killedAt === undefined || endedAt === undefined) return false;
  return endedAt > life.killedAt - SETTLE_MS;
}

function isUnsettledSuccess(one: Execution): boolean {
  return one.how === 'ok' && isUnsettled(one);
}

function describe(all: readonly Execution[]): string {
  const runs = all.map(({ life, how, retried }) => `${how} on ${life.name} (retried ${retried})`);
  return runs.length === 0 ? 'never run' : runs.join(', ');
}

/** The lines of a log. A line without its end was being written when the server was killed. */
export function parseNotes(text: string): Note[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const [what, task = '', retried, , at] = line.split(' ');
      if (what !== 'begin' && what !== 'ok' && what !== 'fail') throw new Error(`no note: ${line}`);
      return { what, task, retried: Number(retried), at: Number(at) };
    });
}
