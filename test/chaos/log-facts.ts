/** Reads what servers log: the lines that say what became of a task, or of the connection. */
import type { FactKind, NewRecord } from './records.ts';

const FACTS: Readonly<Record<string, FactKind>> = {
  'task started': 'began',
  'stopping task': 'stopping',
  'task requeued': 'requeued',
  'task failed, to be retried': 'retried',
  'task failed, archived': 'archived',
  'task succeeded': 'succeeded',
  'the task was not ours any more; nothing was written': 'lost',
};

const REDIS: Readonly<Record<string, boolean>> = {
  'Redis is not reachable': false,
  'Redis is reachable again': true,
};
/** `Redis is not reachable` is also said at debug level, by each service that meets it. */
const INFO = 30;

interface Line {
  readonly level: number;
  readonly msg: string;
  readonly pid: number;
  readonly task?: { readonly id?: string };
  readonly reason?: string;
}

/** What a line says; `undefined` where that is of no interest. */
export function readFact(line: string): NewRecord | 'started' | undefined {
  if (!line.startsWith('{')) return undefined;
  const { msg, pid, level, task, reason = '' } = JSON.parse(line) as Line;
  if (msg === 'started') return 'started';
  const isUp = REDIS[msg];
  if (isUp !== undefined && level >= INFO) return { k: 'redis', pid, isUp };
  const what = FACTS[msg];
  if (what === undefined || task?.id === undefined) return undefined;
  return { k: 'fact', what, pid, task: task.id, reason };
}
