/** The command `watch` and its flags. */
import { type Command, Option } from 'commander';
import type { ProgramOptions } from '../program-options.ts';
import { addRedisCommand } from '../redis-command.ts';
import type { WatchFlags } from './watch.ts';

/** Adds the command. What it does is loaded when it is called. */
export function addWatch(program: Command, shell: ProgramOptions): void {
  const spec = {
    usage: 'watch',
    description: 'Watch queues, running tasks and failures live; pause, cancel and retry by key.',
    options: [
      new Option('--interval <duration>', 'time between two looks, at least 200ms').default('1s'),
      new Option('--count <number>', 'end after so many looks, printed as JSON'),
    ],
    json: 'print one line of JSON per look, on a terminal too',
    examples: [
      'threadmill watch',
      'threadmill watch --interval 5s --redis-url redis://redis.internal:6379',
      "threadmill watch --count 1 | jq '.queues[] | {queue, isPaused}'",
    ],
    notes: `Keys: tab and arrows choose a queue, a running task or a failed one; p pauses the queue or resumes it, c cancels
the running task (after a question), r retries the failed one, ? shows all keys, q quits.

Where the output is no terminal, or with --json or --count, it prints one line of JSON per look.`,
  };
  addRedisCommand<WatchFlags>(program, shell, spec, async (call) =>
    (await import('./watch.ts')).watch(call),
  );
}
