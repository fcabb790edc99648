/** `threadmill task`: looks at tasks and moves them. */
import { type Command, Option } from 'commander';
import type { BulkFlags, BulkVerb } from '../actions/task-bulk.ts';
import type { TaskFlags } from '../actions/task.ts';
import type { ProgramOptions } from '../program-options.ts';
import { addRedisCommand } from '../redis-command.ts';
import { DEFAULT_QUEUE, type TaskState } from '../../task.ts';
import {
  groupOption,
  idOption,
  pageOptions,
  queueOption,
  stateOption,
  yesOption,
} from './options.ts';
import { addTaskEnqueue } from './enqueue.ts';

const ALL_STATES: readonly TaskState[] = [
  'active',
  'pending',
  'scheduled',
  'retry',
  'archived',
  'completed',
  'aggregating',
];

/** In which states each act finds tasks. */
const STATES_OF: Readonly<Record<BulkVerb, readonly TaskState[]>> = {
  cancel: ['active'],
  run: ['scheduled', 'retry', 'archived', 'completed', 'aggregating'],
  archive: ['pending', 'scheduled', 'retry', 'completed', 'aggregating'],
  delete: ['pending', 'scheduled', 'retry', 'archived', 'completed', 'aggregating'],
};

const DESCRIPTIONS: Readonly<Record<BulkVerb, string>> = {
  cancel: 'Ask running tasks to stop. They fail with "context canceled".',
  run: 'Let waiting or archived tasks run now.',
  archive: 'Move waiting tasks to the archive, which keeps the newest ten thousand.',
  delete: 'Delete tasks that are not running.',
};

const ALL_DESCRIPTIONS = {
  run: 'Let all tasks of a queue that are in a state run now.',
  archive:
    'Move all tasks of a queue that are in a state to the archive, which keeps the newest ten thousand.',
  delete: 'Delete all tasks of a queue that are in a state.',
} as const;

const SELECTION_NOTES = `Tasks are named by their IDs, or chosen by --state and filters; all filters that are given must hold.
--payload takes a path in the JSON payload: user.id=5 is the number, user.id='"5"' the text.
Ctrl-C stops between two steps; what is done stays done. The exit code is 1 when a task could not be changed, or when
nothing matched.`;

/** Adds the group of commands. */
export function addTaskCommands(program: Command, shell: ProgramOptions): void {
  const task = program.command('task').description('Look at tasks, run, archive and delete them.');
  addReading(task, shell);
  for (const verb of ['cancel', 'run', 'archive', 'delete'] as const) addBulk(task, shell, verb);
  for (const verb of ['run', 'archive', 'delete'] as const) addAll(task, shell, verb);
  addTaskEnqueue(task, shell);
}

function addReading(task: Command, shell: ProgramOptions): void {
  const list = {
    usage: 'list',
    aliases: ['ls'],
    description: 'List the tasks of a queue that are in a state.',
    options: [
      queueOption(DEFAULT_QUEUE),
      stateOption(ALL_STATES).makeOptionMandatory(),
      groupOption(),
      ...pageOptions(),
    ],
    examples: [
      'threadmill task list --state pending',
      'threadmill task ls -q critical -s retry --page 2 --size 50',
      'threadmill task ls -q mail -s aggregating -g daily --json',
    ],
  };
  addRedisCommand<TaskFlags>(task, shell, list, async (call) =>
    (await import('../actions/task.ts')).list(call),
  );
  const inspect = {
    usage: 'inspect [id...]',
    description: 'Show all that is known of tasks: attempts, progress, last log lines.',
    options: [queueOption(DEFAULT_QUEUE), idOption()],
    examples: [
      'threadmill task inspect report-42',
      'threadmill task inspect -q low -i 6c7dbcb1-54ff-4b5d-9ab3-1d7a5d0f0b0e --json',
    ],
    notes: 'The exit code is 1 when the queue holds no such task.',
  };
  addRedisCommand<TaskFlags>(task, shell, inspect, async (call) =>
    (await import('../actions/task.ts')).inspect(call),
  );
}

function filterOptions(): Option[] {
  return [
    new Option('--type <type>', 'of this type; with a * at its end, of every type that begins so'),
    new Option('--error <text>', 'whose last error contains this'),
    new Option('--payload <path=value>', 'whose JSON payload has this value at this path'),
    new Option('--older-than <duration>', 'at least so long in this state, as in 90s or 2d'),
  ];
}

function addBulk(task: Command, shell: ProgramOptions, verb: BulkVerb): void {
  const isDelete = verb === 'delete';
  const spec = {
    usage: `${verb} [id...]`,
    ...(isDelete ? { aliases: ['remove', 'rm'] } : {}),
    description: DESCRIPTIONS[verb],
    options: [
      queueOption(verb === 'cancel' ? undefined : DEFAULT_QUEUE),
      idOption(),
      stateOption(STATES_OF[verb]),
      groupOption(),
      ...filterOptions(),
      ...(asks(verb) ? [yesOption()] : []),
    ],
    examples: [`threadmill task ${verb} report-42 report-43`, FILTERED_EXAMPLES[verb]],
    notes: notesOf(verb),
    json: 'print what became of them as one line of JSON',
  };
  addRedisCommand<BulkFlags>(task, shell, spec, async (call) =>
    (await import('../actions/task-bulk.ts')).bulk(verb, call),
  );
}

/** The acts that cannot be taken back, or not easily. */
function asks(verb: BulkVerb): boolean {
  return verb === 'delete' || verb === 'archive';
}

const FILTERED_EXAMPLES: Readonly<Record<BulkVerb, string>> = {
  cancel: "threadmill task cancel --queue low --type 'video:*'",
  run: "threadmill task run --queue low --state archived --error 'timed out'",
  archive: "threadmill task archive --queue low --state retry --type 'mail:*' --older-than 2d",
  delete: 'threadmill task delete --state archived --payload user.id=5 --older-than 7d --yes',
};

function notesOf(verb: BulkVerb): string {
  if (verb === 'cancel') {
    return `Without --queue the IDs are looked for in all queues.\n${SELECTION_NOTES}`;
  }
  if (verb === 'run') return SELECTION_NOTES;
  const when = verb === 'delete' ? 'Asks first' : 'Asks first when tasks are chosen by their state';
  return `${when}, unless --yes is given. Without a terminal --yes is needed.\n${SELECTION_NOTES}`;
}

function addAll(task: Command, shell: ProgramOptions, verb: keyof typeof ALL_DESCRIPTIONS): void {
  const spec = {
    usage: `${verb}all`,
    description: ALL_DESCRIPTIONS[verb],
    options: [
      queueOption(DEFAULT_QUEUE),
      stateOption(STATES_OF[verb]).makeOptionMandatory(),
      groupOption(),
      ...(asks(verb) ? [yesOption()] : []),
    ],
    examples: [
      `threadmill task ${verb}all --queue low --state ${verb === 'archive' ? 'retry' : 'archived'}`,
    ],
    notes: asks(verb) ? 'Asks first, unless --yes is given.' : 'Ctrl-C stops between two steps.',
    json: 'print what became of them as one line of JSON',
  };
  addRedisCommand<BulkFlags>(task, shell, spec, async (call) =>
    (await import('../actions/task-bulk.ts')).bulk(verb, call, { isAll: true }),
  );
}
