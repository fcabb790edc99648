/** `threadmill cancel`: asks for a running task to be stopped. */
import type { CommandInput } from '../config.ts';
import { InvalidOptionsError } from '../errors.ts';
import { openClient } from './open-client.ts';

/** What was typed besides settings. */
export interface CancelFlags {
  readonly json?: boolean;
}

/** What the command found: the line to print, and whether any task was running. */
export interface CancelReport {
  readonly line: string;
  readonly isRunning: boolean;
}

/** Asks every running task of this ID to stop. Rejects with the client's errors, the ID named as the argument. */
export async function cancel(
  id: string,
  flags: CancelFlags,
  input: CommandInput,
): Promise<CancelReport> {
  const client = await openClient(input);
  try {
    const asked = await client.cancel(id);
    const line = flags.json === true ? JSON.stringify({ id, asked }) : describe(id, asked);
    return { line, isRunning: asked > 0 };
  } catch (error) {
    throw error instanceof InvalidOptionsError ? namedAsArgument(error) : error;
  } finally {
    await client.close();
  }
}

function describe(id: string, asked: number): string {
  if (asked === 0) return `no running task has the ID ${JSON.stringify(id)}`;
  return `asked ${asked} running ${asked === 1 ? 'task' : 'tasks'} to stop`;
}

function namedAsArgument(error: InvalidOptionsError): InvalidOptionsError {
  const nameOf = (name: string): string => (name === 'taskId' ? 'id' : name);
  return new InvalidOptionsError(
    error.issues.map((issue) => ({ ...issue, name: nameOf(issue.name) })),
  );
}
