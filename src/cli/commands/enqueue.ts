/** `threadmill enqueue`, and `threadmill task enqueue` with the flags that asynq users know. */
import { type Command, Option } from 'commander';
import type { EnqueueFlags } from '../actions/enqueue.ts';
import type { AsynqEnqueueFlags } from '../actions/task-enqueue.ts';
import type { ProgramOptions } from '../program-options.ts';
import { addRedisCommand, repeatable } from '../redis-command.ts';
import type { SettingName } from '../../config/setting.ts';

const SETTINGS: readonly SettingName[] = ['redis', 'connectTimeout', 'maxPayloadSize'];

const NOTES = `The type and all options are those of the client. Durations: milliseconds, or text such as 30s.

With --stdin each line is an object {"type", "payload", "headers", and options as in the client: "queue", "maxRetry",
"processIn", "taskId", …}; bytes go as "payloadBase64". Flags, and the type, hold for lines that do not say otherwise.
A bad line is reported with its number, and the others go on; the exit code is 1 if any failed.`;

/** Adds `enqueue`. */
export function addEnqueueCommand(program: Command, shell: ProgramOptions): void {
  const spec = {
    usage: 'enqueue [type]',
    description: 'Enqueue a task, or one per line of stdin.',
    options: enqueueOptions(),
    settings: SETTINGS,
    json: 'print each task as one line of JSON',
    examples: [
      `threadmill enqueue image:resize --payload '{"path":"cat.jpg","width":200}'`,
      'threadmill enqueue report:build --queue low --process-in 10m --retention 24h',
      'threadmill enqueue file:hash --payload-file ./big.bin --json',
      'threadmill enqueue mail:send --stdin --queue low < tasks.jsonl',
    ],
    notes: NOTES,
  };
  addRedisCommand<EnqueueFlags>(program, shell, spec, async (call) =>
    call.flags.stdin === true
      ? (await import('../actions/enqueue-lines.ts')).enqueueLines(call)
      : (await import('../actions/enqueue.ts')).enqueue(call),
  );
}

function enqueueOptions(): Option[] {
  return [
    new Option('--payload <text>', 'payload, stored as it is'),
    new Option('--payload-file <file>', 'file whose bytes are the payload; - is stdin'),
    new Option('--stdin', 'read tasks from stdin, one JSON object per line'),
    repeatable('--header <name=value>', 'header of the task; may be given again'),
    new Option('--queue <name>', 'queue (default: default)'),
    new Option(
      '--max-retry <number>',
      'retries after the first failure, or Infinity (default: 25)',
    ),
    new Option('--timeout <duration>', 'longest run time of one attempt (default: 30m)'),
    new Option(
      '--deadline <instant>',
      'instant after which the task fails: ISO 8601, or milliseconds since 1970',
    ),
    new Option('--process-at <instant>', 'not before this instant'),
    new Option('--process-in <duration>', 'not before this much time has passed'),
    new Option('--task-id <id>', 'ID, unique in its queue (default: a random UUID)'),
    new Option(
      '--retention <duration>',
      'how long the succeeded task and its result are kept (default: 0)',
    ),
    new Option(
      '--unique-for <duration>',
      'refuse another task of this type and payload for so long, unless it has succeeded before',
    ),
    new Option('--group <name>', 'group in which it waits to be aggregated with others'),
    new Option('--replace-archived', 'replace an archived or completed task of this ID'),
  ];
}

/** Adds `task enqueue`. Flags with an underscore, as asynq has them, are taken but not shown. */
export function addTaskEnqueue(task: Command, shell: ProgramOptions): void {
  const hidden = (flags: string): Option => new Option(flags).hideHelp();
  const spec = {
    usage: 'enqueue',
    description: 'Enqueue a task, with the flags of the command of asynq.',
    options: [
      new Option('-t, --type-name <type>', 'task type: chooses the handler'),
      hidden('--type_name <type>'),
      new Option('-l, --payload <text>', 'payload, stored as it is'),
      new Option('-q, --queue <name>', 'queue (default: default)'),
      new Option('--id <id>', 'ID, unique in its queue (default: a random UUID)'),
      new Option('--retry <number>', 'retries after the first failure (default: 25)'),
      new Option('--timeout <duration>', 'longest run time of one attempt (default: 30m)'),
      new Option('--deadline <instant>', 'instant after which the task fails'),
      new Option('--unique <duration>', 'refuse another task like it for so long'),
      new Option('--process-at <instant>', 'not before this instant'),
      hidden('--process_at <instant>'),
      new Option('--process-in <duration>', 'not before this much time has passed'),
      hidden('--process_in <duration>'),
      new Option('--retention <duration>', 'how long the succeeded task is kept (default: 0)'),
      new Option('--group <name>', 'group in which it waits to be aggregated'),
    ],
    settings: SETTINGS,
    json: 'print the task as one line of JSON',
    examples: [
      `threadmill task enqueue -t mail:send -l '{"user":5}' -q low --process-in 10m --retry 3`,
    ],
    notes: '"threadmill enqueue" does more: files, headers, and many tasks from stdin.',
  };
  addRedisCommand<AsynqEnqueueFlags>(task, shell, spec, async (call) =>
    (await import('../actions/task-enqueue.ts')).taskEnqueue(call),
  );
}
