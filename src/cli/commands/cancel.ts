/** `threadmill cancel`: asks for a running task to be stopped. */
import type { Command } from 'commander';
import type { ProgramOptions } from '../program-options.ts';
import { addRedisCommand } from '../redis-command.ts';

/** Adds the command. */
export function addCancelCommand(program: Command, shell: ProgramOptions): void {
  const spec = {
    usage: 'cancel <id>',
    description: 'Ask for a running task to be stopped, in whatever queue it is.',
    json: 'print the ID and the number of running tasks that were asked, as JSON',
    examples: [
      'threadmill cancel 6c7dbcb1-54ff-4b5d-9ab3-1d7a5d0f0b0e',
      'threadmill cancel report-42 --json',
    ],
    notes: `A running task fails with "context canceled" and is retried, or archived when no retries are left. A task that
is not running is not affected. The exit code is 1 when none is running.`,
  };
  addRedisCommand(program, shell, spec, async (call) =>
    (await import('../actions/cancel.ts')).cancel(call),
  );
}
