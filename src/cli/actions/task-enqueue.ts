/** What `threadmill task enqueue` does: the flags of asynq's command as those of ours. */
import type { Call } from '../redis-command.ts';
import { UsageError } from '../usage-error.ts';
import { type EnqueueFlags, enqueueOne } from './enqueue.ts';

/** What was typed. */
export interface AsynqEnqueueFlags {
  readonly typeName?: string;
  readonly type_name?: string;
  readonly payload?: string;
  readonly queue?: string;
  readonly id?: string;
  readonly retry?: string;
  readonly timeout?: string;
  readonly deadline?: string;
  readonly unique?: string;
  readonly processAt?: string;
  readonly process_at?: string;
  readonly processIn?: string;
  readonly process_in?: string;
  readonly retention?: string;
  readonly group?: string;
}

/** Options that have another name in asynq's command. */
const FLAG_NAMES: Readonly<Record<string, string>> = {
  maxRetry: 'retry',
  taskId: 'id',
  uniqueFor: 'unique',
};

/** Enqueues the task. */
export async function taskEnqueue(call: Call<AsynqEnqueueFlags>): Promise<void> {
  const { flags } = call;
  const type = flags.typeName ?? flags.type_name;
  if (type === undefined) throw new UsageError('name the type of the task by --type-name');
  const { payload, queue, timeout, deadline, retention, group } = flags;
  const given = {
    payload,
    queue,
    timeout,
    deadline,
    retention,
    group,
    taskId: flags.id,
    maxRetry: flags.retry,
    uniqueFor: flags.unique,
    processAt: flags.processAt ?? flags.process_at,
    processIn: flags.processIn ?? flags.process_in,
    json: call.flags.json,
  };
  const typed = Object.entries(given).filter(([, value]) => value !== undefined);
  const own: Call<EnqueueFlags> = { ...call, flags: Object.fromEntries(typed) };
  await enqueueOne(own, type, (option) => FLAG_NAMES[option] ?? option);
}
