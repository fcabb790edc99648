/** `threadmill enqueue`: one task from the shell. */
import { readFileSync } from 'node:fs';
import type { CommandInput } from '../config.ts';
import { InvalidOptionsError, type OptionIssue } from '../errors.ts';
import type { EnqueueOptions, TaskInfo } from '../task.ts';
import { openClient } from './open-client.ts';

/** What was typed besides settings. Text as it was typed. */
export interface EnqueueFlags {
  readonly payload?: string;
  readonly payloadFile?: string;
  readonly header?: readonly string[];
  readonly queue?: string;
  readonly maxRetry?: string;
  readonly timeout?: string;
  readonly deadline?: string;
  readonly processAt?: string;
  readonly processIn?: string;
  readonly taskId?: string;
  readonly retention?: string;
  readonly json?: boolean;
}

/** Enqueues; answers the line to print. Rejects with the client's errors, options named as flags. */
export async function enqueue(
  type: string,
  flags: EnqueueFlags,
  input: CommandInput,
): Promise<string> {
  const client = await openClient(input);
  try {
    const task = { type, payload: readPayload(flags), headers: readHeaders(flags.header ?? []) };
    const info = await client.enqueue(task, enqueueOptions(flags));
    return flags.json === true ? JSON.stringify(plainInfo(info)) : describeInfo(info);
  } catch (error) {
    throw error instanceof InvalidOptionsError ? namedAsFlags(error) : error;
  } finally {
    await client.close();
  }
}

function readPayload({ payload, payloadFile }: EnqueueFlags): string | Uint8Array | undefined {
  if (payloadFile === undefined) return payload;
  if (payload !== undefined)
    throw wrongFlag('--payload-file', payloadFile, 'no value beside --payload');
  try {
    return readFileSync(payloadFile);
  } catch {
    throw wrongFlag('--payload-file', payloadFile, 'a file that can be read');
  }
}

function readHeaders(lines: readonly string[]): Record<string, string> {
  const entries = lines.map((line) => {
    const [name, value] = line.split(/=(.*)/s, 2);
    if (name === undefined || name === '' || value === undefined)
      throw wrongFlag('--header', line, 'name=value');
    return [name, value] as const;
  });
  return Object.fromEntries(entries);
}

function wrongFlag(name: string, value: unknown, accepts: string): InvalidOptionsError {
  return new InvalidOptionsError([{ name, value, accepts }]);
}

/** Text that cannot be read as a number or an instant stays text: the client refuses it and says what it accepts. */
function enqueueOptions(flags: EnqueueFlags): EnqueueOptions {
  const options = {
    queue: flags.queue,
    maxRetry: toNumber(flags.maxRetry),
    timeout: flags.timeout,
    deadline: toInstant(flags.deadline),
    processAt: toInstant(flags.processAt),
    processIn: flags.processIn,
    taskId: flags.taskId,
    retention: flags.retention,
  };
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given);
}

function toNumber(text: string | undefined): unknown {
  return text !== undefined && /^(\d+|Infinity)$/.test(text) ? Number(text) : text;
}

function toInstant(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? text : date;
}

/** `maxRetry` as `--max-retry`: the name as the user wrote it. */
function namedAsFlags(error: InvalidOptionsError): InvalidOptionsError {
  const flagOf = (name: string): string =>
    /^[a-z]+([A-Z][a-z]+)*$/.test(name) && name !== 'type' && name !== 'redis'
      ? `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
      : name;
  const issues: OptionIssue[] = error.issues.map((issue) => ({
    ...issue,
    name: flagOf(issue.name),
  }));
  return new InvalidOptionsError(issues);
}

function describeInfo({ id, type, queue, state, nextProcessAt }: TaskInfo): string {
  const due =
    nextProcessAt === undefined || state === 'pending'
      ? ''
      : `, due ${nextProcessAt.toISOString()}`;
  return `enqueued ${type} as ${id} in queue ${queue} (${state}${due})`;
}

/** Bytes as text where they are UTF-8, else as base64; JSON has no `Infinity`. */
function plainInfo({ payload, result, ...info }: TaskInfo): object {
  const maxRetry = Number.isFinite(info.maxRetry) ? info.maxRetry : 'Infinity';
  return {
    ...info,
    maxRetry,
    ...bytesAs('payload', payload),
    ...(result === undefined ? {} : bytesAs('result', result)),
  };
}

function bytesAs(name: string, bytes: Uint8Array): Record<string, string> {
  try {
    return { [name]: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { [`${name}Base64`]: Buffer.from(bytes).toString('base64') };
  }
}
