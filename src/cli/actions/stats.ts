/** What `threadmill stats` does: all queues and their Redis on one screen. */
import type { QueueInfo } from '../../broker/broker.ts';
import { withInspector } from '../open-client.ts';
import { listText, tableText, titleText } from '../output/table.ts';
import { byteText, countText, durationText, shareText } from '../output/text.ts';
import type { Call } from '../redis-command.ts';
import { report } from '../report.ts';
import { redisInfo } from './redis-info.ts';

const STATES = [
  'active',
  'pending',
  'aggregating',
  'scheduled',
  'retry',
  'archived',
  'completed',
] as const;

type RedisInfo = Readonly<Record<string, string>>;

/** Prints the figures of this moment. */
export async function stats(call: Call): Promise<void> {
  const queues = await withInspector(call, async (inspector) =>
    Promise.all((await inspector.queues()).map((name) => inspector.queueInfo(name))),
  );
  const redis = await redisInfo(call);
  const now = new Date();
  report(call, asynqStats(queues, redis, now), () => screen(queues, redis));
}

/** As `asynq stats --json` names things, so that scripts made for it go on. */
function asynqStats(queues: readonly QueueInfo[], redis: RedisInfo, now: Date): object {
  const states = STATES.map(
    (state) => [state, sum(queues, ({ counts }) => counts[state])] as const,
  );
  return {
    aggregate: {
      ...Object.fromEntries(states),
      processed: sum(queues, ({ processedToday }) => processedToday),
      failed: sum(queues, ({ failedToday }) => failedToday),
      timestamp: now,
    },
    queues: queues.map(asynqQueue),
    redis,
  };
}

function asynqQueue(figures: QueueInfo): object {
  const { counts } = figures;
  return {
    Queue: figures.queue,
    MemoryUsage: figures.memoryBytes,
    Paused: figures.isPaused,
    Size: figures.size,
    Groups: figures.groups,
    Pending: counts.pending,
    Active: counts.active,
    Scheduled: counts.scheduled,
    Retry: counts.retry,
    Archived: counts.archived,
    Completed: counts.completed,
    Aggregating: counts.aggregating,
    Processed: figures.processedToday,
    Failed: figures.failedToday,
    ProcessedTotal: figures.processedTotal,
    FailedTotal: figures.failedTotal,
    Latency: Math.round(figures.latencyMs * 1e6),
    Timestamp: figures.takenAt,
  };
}

function screen(queues: readonly QueueInfo[], redis: RedisInfo): string {
  return [
    titleText('Tasks'),
    tableText(
      STATES.map((head) => ({ head, align: 'right' })),
      [STATES.map((state) => countText(sum(queues, ({ counts }) => counts[state])))],
    ),
    '',
    titleText('Queues'),
    queues.length === 0 ? 'none' : queueTable(queues),
    '',
    titleText('Redis'),
    redisText(redis),
  ].join('\n');
}

function queueTable(queues: readonly QueueInfo[]): string {
  const right = ['size', 'latency', 'memory', 'processed', 'failed', 'error rate'] as const;
  return tableText(
    [
      { head: 'queue', isFlexible: true },
      { head: 'state' },
      ...right.map((head) => ({ head, align: 'right' as const })),
    ],
    [...queues.map(queueRow), ...(queues.length > 1 ? [totalRow(queues)] : [])],
  );
}

function queueRow(figures: QueueInfo): string[] {
  return [
    figures.queue,
    figures.isPaused ? 'paused' : 'running',
    countText(figures.size),
    durationText(figures.latencyMs),
    byteText(figures.memoryBytes),
    countText(figures.processedToday),
    countText(figures.failedToday),
    shareText(figures.failedToday, figures.processedToday),
  ];
}

/** Processed and failed are those of today, as in the rows above. */
function totalRow(queues: readonly QueueInfo[]): string[] {
  const processed = sum(queues, (each) => each.processedToday);
  const failed = sum(queues, (each) => each.failedToday);
  return [
    'all, today',
    '',
    countText(sum(queues, ({ size }) => size)),
    durationText(Math.max(...queues.map(({ latencyMs }) => latencyMs))),
    byteText(sum(queues, ({ memoryBytes }) => memoryBytes)),
    countText(processed),
    countText(failed),
    shareText(failed, processed),
  ];
}

function redisText(redis: RedisInfo): string {
  const bytes = (name: string): string | undefined =>
    redis[name] === undefined ? undefined : byteText(Number(redis[name]));
  const uptime = redis['uptime_in_seconds'];
  return listText([
    ['version', redis['valkey_version'] ?? redis['redis_version']],
    ['uptime', uptime === undefined ? undefined : durationText(Number(uptime) * 1000)],
    ['clients', redis['connected_clients']],
    ['memory', bytes('used_memory')],
    ['memory peak', bytes('used_memory_peak')],
  ]);
}

function sum(queues: readonly QueueInfo[], figure: (queue: QueueInfo) => number): number {
  return queues.reduce((total, queue) => total + figure(queue), 0);
}
