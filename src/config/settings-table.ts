/**
 * The settings: one row each, for options, environment, flags, the config file, `--help` and the README's table alike.
 * Environment name and flag follow from the option's name: `leaseDuration` is `LEASE_DURATION` and `--lease-duration`.
 */
import { DEFAULT_MAX_PAYLOAD_SIZE, DEFAULT_QUEUE, MAX_GROUP_SIZE } from '../task.ts';
import * as schemas from './schemas.ts';
import type { AnySetting } from './setting.ts';
import { DAY, durationRow, HOUR, MINUTE, row, SECOND, wholeAccepts } from './setting-row.ts';

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const connection: readonly AnySetting[] = [
  row({
    option: 'redis',
    env: 'REDIS_URL',
    flag: '--redis-url',
    placeholder: 'url',
    defaultText: 'a private Redis is started',
    accepts:
      'a Redis URL: redis://, redis-socket:///path or unix:///path, redis-sentinel://, redis-cluster://, or rediss… for TLS; in code also ioredis options or an instance',
    description: 'Which Redis to use. Never shown with its password.',
    schema: schemas.redis,
    isSecret: true,
  }),
  durationRow('connectTimeout', 'How long to wait for a connection to Redis.', [
    1,
    5 * SECOND,
    10 * MINUTE,
  ]),
];

const tasks: readonly AnySetting[] = [
  row({
    option: 'handlers',
    placeholder: 'paths',
    defaultText: '`./handlers` if it exists, else the bundled ones',
    accepts: 'existing folders or modules, in a shell separated by commas or the path delimiter',
    description: 'Where the handlers are.',
    schema: schemas.paths,
  }),
  row({
    option: 'middleware',
    placeholder: 'paths',
    accepts: 'existing modules, in a shell separated by commas or the path delimiter',
    description: 'Modules that run round every handler, outermost first.',
    schema: schemas.paths,
  }),
  row({
    option: 'queues',
    placeholder: 'list',
    defaultValue: Object.freeze({ [DEFAULT_QUEUE]: 1 }),
    defaultText: DEFAULT_QUEUE,
    accepts:
      'queue names with whole weights from 1 to 1000, e.g. critical=6,default=3,low=1 or a,b; names without { } , =',
    description: 'The queues to work on, and how often each is looked at.',
    schema: schemas.queues,
  }),
  row({
    option: 'strictPriority',
    placeholder: 'true|false',
    defaultValue: false,
    accepts: 'true or false',
    description: 'A queue is served only while all queues of greater weight are empty.',
    schema: schemas.bool,
    isSwitch: true,
  }),
  row({
    option: 'concurrency',
    placeholder: 'number',
    defaultText: 'usable cores x tasks per thread',
    accepts: wholeAccepts(1, 10_000),
    description:
      'Tasks that run at once in one process, on as many threads as tasks per thread makes of it.',
    schema: schemas.wholeNumber(1, 10_000),
  }),
  row({
    option: 'tasksPerThread',
    placeholder: 'number',
    defaultValue: 1,
    accepts: wholeAccepts(1, 1000),
    description: 'Tasks that share a thread. More than 1 suits handlers that wait for I/O.',
    schema: schemas.wholeNumber(1, 1000),
  }),
  row({
    option: 'maxOldGenerationMb',
    placeholder: 'MB',
    defaultText: "Node's own",
    accepts: wholeAccepts(16, 1_048_576),
    description: 'JavaScript heap of one thread, in MB.',
    schema: schemas.wholeNumber(16, 1_048_576),
  }),
  row({
    option: 'maxTaskMemoryMb',
    placeholder: 'MB',
    accepts: wholeAccepts(16, 1_048_576),
    description:
      'Memory of one thread, heap and Buffers together, above which its task is stopped; looked at every half second.',
    schema: schemas.wholeNumber(16, 1_048_576),
  }),
  row({
    option: 'maxCrashes',
    placeholder: 'number',
    defaultValue: 3,
    accepts: wholeAccepts(1, 1000),
    description: 'A task that has ended the thread or process it ran in so often is archived.',
    schema: schemas.wholeNumber(1, 1000),
  }),
  row({
    option: 'recycle',
    placeholder: 'limits',
    accepts:
      'one or more of tasks=<number>, rss=<MB>, age=<duration>, separated by commas; in code { tasks, rss, age }',
    description:
      'Replaces child processes (in a `Server` of your own: threads) after so many tasks, at so much memory of the process, at that age; one at a time.',
    schema: schemas.recycle,
  }),
  row({
    option: 'processes',
    placeholder: 'number',
    defaultValue: 1,
    accepts: wholeAccepts(1, 1000),
    description: 'Child processes that run tasks, each with its own threads.',
    schema: schemas.wholeNumber(1, 1000),
    scope: 'command',
  }),
  row({
    option: 'maxPayloadSize',
    placeholder: 'bytes',
    defaultValue: DEFAULT_MAX_PAYLOAD_SIZE,
    accepts: wholeAccepts(1, 536_870_912),
    description: 'Largest payload or result, in bytes.',
    schema: schemas.wholeNumber(1, 536_870_912),
  }),
];

const times: readonly AnySetting[] = [
  durationRow(
    'shutdownTimeout',
    'How long a shutdown waits for running tasks; then they go back to their queue.',
    [0, 8 * SECOND, DAY],
  ),
  durationRow(
    'cancelGrace',
    'How long a task that was told to stop may go on; then its thread is terminated.',
    [0, 2 * SECOND, HOUR],
  ),
  durationRow('leaseDuration', 'How long a task belongs to this server without an extension.', [
    10 * SECOND,
    15 * SECOND,
    HOUR,
  ]),
  durationRow('maxRetryDelay', 'Longest delay before the next attempt.', [0, DAY, 365 * DAY]),
  durationRow(
    'pollInterval',
    'How often empty queues are looked at when Redis refuses to tell of changes; otherwise a tenth as often, as a safety net.',
    [1, 200, MINUTE],
  ),
  durationRow(
    'forwardInterval',
    'How often due scheduled and retry tasks are moved to their queue.',
    [10, 500, SECOND],
  ),
  durationRow('janitorInterval', 'How often completed tasks whose retention is over are deleted.', [
    100,
    8 * SECOND,
    HOUR,
  ]),
  durationRow('recoverInterval', 'How often tasks of lost servers are looked for.', [
    100,
    2 * SECOND,
    HOUR,
  ]),
  durationRow('heartbeatInterval', 'How often this server tells the fleet that it is there.', [
    100,
    5 * SECOND,
    10 * SECOND,
  ]),
  durationRow('healthInterval', 'How often Redis is asked whether it is there.', [
    100,
    5 * SECOND,
    HOUR,
  ]),
];

const groups: readonly AnySetting[] = [
  durationRow('groupGracePeriod', 'A group is aggregated when no task has joined it for so long.', [
    SECOND,
    MINUTE,
    DAY,
  ]),
  durationRow(
    'groupMaxDelay',
    'A group is aggregated so long after its first task at the latest.',
    [SECOND, undefined, 30 * DAY],
  ),
  row({
    option: 'groupMaxSize',
    placeholder: 'number',
    accepts: wholeAccepts(1, MAX_GROUP_SIZE),
    description: `A group is aggregated as soon as it has so many tasks, and never more of them at once. Without it ${MAX_GROUP_SIZE} are the most.`,
    schema: schemas.wholeNumber(1, MAX_GROUP_SIZE),
  }),
];

const watching: readonly AnySetting[] = [
  row({
    option: 'logLevel',
    placeholder: 'level',
    defaultValue: 'info',
    accepts: `one of ${LOG_LEVELS.join(', ')}`,
    description: 'Least severe level that is logged.',
    schema: schemas.word(LOG_LEVELS),
  }),
  row({
    option: 'logPretty',
    placeholder: 'true|false',
    defaultText: 'true on a terminal',
    accepts: 'true or false',
    description: 'Log lines for people instead of JSON.',
    schema: schemas.bool,
    scope: 'command',
    isSwitch: true,
  }),
  row({
    option: 'httpHost',
    placeholder: 'host',
    defaultValue: '127.0.0.1',
    accepts: 'a host name or address',
    description:
      'Where `/metrics`, `/healthz` and `/readyz` listen. `0.0.0.0` opens them to others.',
    schema: schemas.host,
    scope: 'command',
  }),
  row({
    option: 'httpPort',
    placeholder: 'port',
    defaultValue: 9464,
    accepts: 'a port number from 0 (any free one) to 65535, or off',
    description: 'Port of the HTTP server; `off` for none.',
    schema: schemas.port,
    scope: 'command',
  }),
  row({
    option: 'queueMetrics',
    placeholder: 'list',
    defaultValue: true,
    accepts: 'true (the configured queues), false, or queue names separated by commas',
    description: 'Queues whose sizes are read from Redis for `/metrics`.',
    schema: schemas.queueMetrics,
    scope: 'command',
  }),
];

/** Every setting, in the order in which tables show them. */
export const SETTINGS: readonly AnySetting[] = Object.freeze([
  ...connection,
  ...tasks,
  ...times,
  ...groups,
  ...watching,
]);
