/** Asks before what cannot be taken back. */
import { createInterface } from 'node:readline/promises';
import { UsageError } from '../usage-error.ts';
import { paint } from './style.ts';

/**
 * Resolves with whether the answer was yes. `isSure` (`--yes`) answers by itself; without a terminal there is nobody to
 * ask, and it rejects with `UsageError`.
 */
export async function confirm(question: string, isSure: boolean): Promise<boolean> {
  if (isSure) return true;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new UsageError(`${question} Without a terminal nobody can be asked: pass --yes`);
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const closed = new AbortController();
  terminal.once('close', () => closed.abort()); // Ctrl-D and Ctrl-C are no answer
  try {
    const answer = await terminal.question(`${paint('bold', question)} [y/N] `, {
      signal: closed.signal,
    });
    return /^y(es)?$/i.test(answer.trim());
  } catch (error) {
    if (closed.signal.aborted) {
      process.stderr.write('\n');
      return false;
    }
    throw error;
  } finally {
    terminal.close();
  }
}
