/** What `threadmill cancel` does: asks for a running task to be stopped. */
import { InvalidOptionsError } from '../../errors.ts';
import { openClient } from '../open-client.ts';
import type { Call } from '../redis-command.ts';
import { report } from '../report.ts';

/** Asks every running task of this ID to stop. Rejects with the client's errors, the ID named as the argument. */
export async function cancel(call: Call): Promise<void> {
  const [id = ''] = call.words;
  const client = await openClient(call.input);
  try {
    const asked = await client.cancel(id);
    report(call, { id, asked }, () => describe(id, asked));
    if (asked === 0) call.shell.fail();
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
