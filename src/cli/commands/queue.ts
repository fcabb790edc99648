/** `threadmill queue`: looks at queues, pauses and removes them. */
import { type Command, Option } from 'commander';
import type { QueueFlags } from '../actions/queue.ts';
import type { RemoveFlags } from '../actions/queue-remove.ts';
import type { ProgramOptions } from '../program-options.ts';
import { addRedisCommand, type Call } from '../redis-command.ts';
import { yesOption } from './options.ts';

type Action = (call: Call<QueueFlags>) => Promise<void>;

/** Adds the group of commands. */
export function addQueueCommands(program: Command, shell: ProgramOptions): void {
  const queue = program.command('queue').description('Look at queues, pause and remove them.');
  addReading(queue, shell);
  addPausing(queue, shell);
  addRemove(queue, shell);
}

/** Loads the actions when one is called. */
function action(name: 'list' | 'inspect' | 'history' | 'pause' | 'resume'): Action {
  return async (call) => (await import('../actions/queue.ts'))[name](call);
}

function addReading(queue: Command, shell: ProgramOptions): void {
  const list = {
    usage: 'list',
    aliases: ['ls'],
    description: 'List all queues with their sizes.',
    examples: ['threadmill queue list', "threadmill queue ls --json | jq -r '.[].queue'"],
  };
  addRedisCommand<QueueFlags>(queue, shell, list, action('list'));
  const inspect = {
    usage: 'inspect <queue...>',
    description: 'Show all figures of queues.',
    examples: ['threadmill queue inspect default', 'threadmill queue inspect critical low --json'],
    notes: 'The exit code is 1 when one of them does not exist; the others are shown.',
  };
  addRedisCommand<QueueFlags>(queue, shell, inspect, action('inspect'));
  const history = {
    usage: 'history <queue...>',
    description: 'Show how many tasks were processed and how many failed, by day (UTC).',
    options: [new Option('-x, --days <number>', 'days, today included; at most 90').default('10')],
    examples: ['threadmill queue history default', 'threadmill queue history critical low -x 30'],
  };
  addRedisCommand<QueueFlags>(queue, shell, history, action('history'));
}

function addPausing(queue: Command, shell: ProgramOptions): void {
  const pause = {
    usage: 'pause <queue...>',
    description: 'Let no server take tasks from these queues; running tasks go on.',
    examples: ['threadmill queue pause low', 'threadmill queue pause critical default low'],
  };
  addRedisCommand<QueueFlags>(queue, shell, pause, action('pause'));
  const resume = {
    usage: 'resume <queue...>',
    aliases: ['unpause'],
    description: 'Let servers take tasks from these queues again.',
    examples: ['threadmill queue resume low'],
  };
  addRedisCommand<QueueFlags>(queue, shell, resume, action('resume'));
}

function addRemove(queue: Command, shell: ProgramOptions): void {
  const spec = {
    usage: 'remove <queue...>',
    aliases: ['rm', 'delete'],
    description: 'Remove queues.',
    options: [
      new Option('-f, --force', 'also with the tasks in them; never while some are running'),
      yesOption(),
    ],
    examples: ['threadmill queue remove old', 'threadmill queue rm old --force --yes'],
    notes: 'Asks first, unless --yes is given. Without a terminal --yes is needed.',
  };
  addRedisCommand<RemoveFlags>(queue, shell, spec, async (call) =>
    (await import('../actions/queue-remove.ts')).remove(call),
  );
}
