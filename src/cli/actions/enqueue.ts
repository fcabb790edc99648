/** What `threadmill enqueue` does with one task, and `task enqueue`. */
import { readFileSync } from 'node:fs';
import { InvalidOptionsError } from '../../errors.ts';
import type { TaskInfo } from '../../task.ts';
import { openClient } from '../open-client.ts';
import type { Call } from '../redis-command.ts';
import { report } from '../report.ts';
import { UsageError } from '../usage-error.ts';
import { enqueueOptions, namedAsFlags, readHeaders, type OptionFlags } from './enqueue-options.ts';
import { wrongFlag } from './numbers.ts';

/** What was typed. Text as it was typed. */
export interface EnqueueFlags extends OptionFlags {
  readonly payload?: string;
  readonly payloadFile?: string;
  readonly header?: readonly string[];
  readonly stdin?: boolean;
}

/** Enqueues the task. Rejects with the client's errors, options named as flags. */
export async function enqueue(call: Call<EnqueueFlags>): Promise<void> {
  const [type] = call.words;
  if (type === undefined) {
    throw new UsageError('name the type of the task, or pass --stdin to read tasks as JSON lines');
  }
  await enqueueOne(call, type, (option) => option);
}

/** `flagName`: how an option is called on this command line, where that is not its own name. */
export async function enqueueOne(
  call: Call<EnqueueFlags>,
  type: string,
  flagName: (option: string) => string,
): Promise<void> {
  const { flags } = call;
  const client = await openClient(call.input);
  try {
    const task = { type, payload: readPayload(flags), headers: readHeaders(flags.header ?? []) };
    const info = await client.enqueue(task, enqueueOptions(flags));
    report(call, info, () => describeInfo(info));
  } catch (error) {
    throw error instanceof InvalidOptionsError ? namedAsFlags(error, flagName) : error;
  } finally {
    await client.close();
  }
}

function readPayload({ payload, payloadFile }: EnqueueFlags): string | Uint8Array | undefined {
  if (payloadFile === undefined) return payload;
  if (payload !== undefined)
    throw wrongFlag('--payload-file', payloadFile, 'no value beside --payload');
  try {
    return readFileSync(payloadFile === '-' ? 0 : payloadFile);
  } catch {
    throw wrongFlag('--payload-file', payloadFile, 'a file that can be read, or - for stdin');
  }
}

function describeInfo({ id, type, queue, state, nextProcessAt }: TaskInfo): string {
  const due =
    nextProcessAt === undefined || state === 'pending'
      ? ''
      : `, due ${nextProcessAt.toISOString()}`;
  return `enqueued ${type} as ${id} in queue ${queue} (${state}${due})`;
}
