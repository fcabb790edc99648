/** What `threadmill queue` does. */
import type { QueueInfo } from '../../broker/broker.ts';
import type { InspectorMethods } from '../../inspector/types.ts';
import { withInspector } from '../open-client.ts';
import { tableText, listText, titleText } from '../output/table.ts';
import { byteText, countText, durationText, shareText } from '../output/text.ts';
import { forEachNamed, report } from '../report.ts';
import type { Call } from '../redis-command.ts';
import { wholeNumber } from './numbers.ts';

/** What was typed. */
export interface QueueFlags {
  readonly days?: string;
}

/** Lists all queues. */
export async function list(call: Call): Promise<void> {
  const queues = await withInspector(call, async (inspector) =>
    Promise.all((await inspector.queues()).map((name) => inspector.queueInfo(name))),
  );
  report(call, queues, () => (queues.length === 0 ? 'no queues' : queuesTable(queues)));
}

/** A line per queue. */
export function queuesTable(queues: readonly QueueInfo[]): string {
  return tableText(
    [
      { head: 'queue', isFlexible: true },
      ...['state', 'size', 'pending', 'active', 'sched', 'retry', 'arch', 'done', 'aggr'].map(
        (head) => ({ head, align: head === 'state' ? ('left' as const) : ('right' as const) }),
      ),
      { head: 'latency', align: 'right' },
    ],
    queues.map(({ queue, isPaused, size, counts, latencyMs }) => [
      queue,
      isPaused ? 'paused' : 'running',
      ...[
        size,
        counts.pending,
        counts.active,
        counts.scheduled,
        counts.retry,
        counts.archived,
        counts.completed,
        counts.aggregating,
      ].map(countText),
      durationText(latencyMs),
    ]),
  );
}

/** Shows every figure of the queues that were named. */
export async function inspect(call: Call): Promise<void> {
  const queues = await withInspector(call, (inspector) =>
    forEachNamed(call, (name) => inspector.queueInfo(name)),
  );
  report(call, queues, () => queues.map(figuresText).join('\n\n'));
}

function figuresText(figures: QueueInfo): string {
  const { queue, isPaused, size, counts, latencyMs, memoryBytes } = figures;
  return [
    titleText(queue),
    listText([
      ['state', isPaused ? 'paused' : 'running'],
      ['size', countText(size)],
      ...Object.entries(counts).map(([state, count]) => [`  ${state}`, countText(count)] as const),
      ['groups', countText(figures.groups)],
      ['latency', durationText(latencyMs)],
      ['memory', `about ${byteText(memoryBytes)}`],
      ['processed today', countText(figures.processedToday)],
      ['failed today', countText(figures.failedToday)],
      ['error rate today', shareText(figures.failedToday, figures.processedToday)],
      ['processed in all', countText(figures.processedTotal)],
      ['failed in all', countText(figures.failedTotal)],
    ]),
  ].join('\n');
}

/** Shows the figures of the last days. */
export async function history(call: Call<QueueFlags>): Promise<void> {
  const days = wholeNumber('--days', call.flags.days, { min: 1, max: 90 });
  const found = await withInspector(call, (inspector) =>
    forEachNamed(call, async (queue) => ({ queue, days: await inspector.history(queue, days) })),
  );
  report(call, found, () =>
    found.map((each) => `${titleText(each.queue)}\n${daysTable(each.days)}`).join('\n\n'),
  );
}

function daysTable(days: Awaited<ReturnType<InspectorMethods['history']>>): string {
  return tableText(
    [
      { head: 'day' },
      { head: 'processed', align: 'right' },
      { head: 'failed', align: 'right' },
      { head: 'error rate', align: 'right' },
    ],
    days.map(({ day, processed, failed }) => [
      day,
      countText(processed),
      countText(failed),
      shareText(failed, processed),
    ]),
  );
}

/** Pauses queues. */
export async function pause(call: Call): Promise<void> {
  await change(call, 'paused', (inspector, queue) => inspector.pause(queue));
}

/** Resumes queues. */
export async function resume(call: Call): Promise<void> {
  await change(call, 'resumed', (inspector, queue) => inspector.resume(queue));
}

async function change(
  call: Call,
  done: string,
  act: (inspector: InspectorMethods, queue: string) => Promise<void>,
): Promise<void> {
  const queues = await withInspector(call, (inspector) =>
    forEachNamed(call, async (queue) => {
      await act(inspector, queue);
      return queue;
    }),
  );
  reportChanged(call, done, queues);
}

/** Says what was done with which queues. */
export function reportChanged(call: Call, done: string, queues: readonly string[]): void {
  if (queues.length === 0 && call.flags.json !== true) return;
  report(call, { [done]: queues }, () =>
    queues.map((queue) => `${done} queue ${JSON.stringify(queue)}`).join('\n'),
  );
}
