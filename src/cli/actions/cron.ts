/** What `threadmill cron` does. */
import { withInspector } from '../open-client.ts';
import { tableText, titleText } from '../output/table.ts';
import { bytesText, instantText, relativeText } from '../output/text.ts';
import type { Call } from '../redis-command.ts';
import { forEachNamed, report } from '../report.ts';
import { pageOf } from './numbers.ts';

/** What was typed. */
export interface CronFlags {
  readonly page?: string;
  readonly size?: string;
}

/** Lists the periodic tasks of all schedulers, the next one first. */
export async function list(call: Call): Promise<void> {
  const found = await withInspector(call, (inspector) => inspector.scheduleEntries());
  const entries = found.toSorted((a, b) => a.nextAt.getTime() - b.nextAt.getTime());
  report(call, entries, () =>
    entries.length === 0
      ? 'no periodic tasks: no scheduler runs, or none has entries'
      : tableText(
          [
            { head: 'id' },
            { head: 'spec' },
            { head: 'type', isFlexible: true },
            { head: 'payload', isFlexible: true },
            { head: 'options', isFlexible: true },
            { head: 'next' },
            { head: 'previous' },
          ],
          entries.map(({ id, spec, type, payload, options, nextAt, previousAt }) => [
            id,
            spec,
            type,
            bytesText(payload),
            options.join(', '),
            relativeText(nextAt),
            previousAt === undefined ? 'never' : relativeText(previousAt),
          ]),
        ),
  );
}

/** Shows when entries were enqueued. */
export async function history(call: Call<CronFlags>): Promise<void> {
  const page = pageOf(call.flags);
  const found = await withInspector(call, (inspector) =>
    forEachNamed(call, async (entry) => ({
      entry,
      events: await inspector.scheduleEvents(entry, page),
    })),
  );
  if (found.some(({ events }) => events.length === 0)) call.shell.fail();
  report(call, found, () =>
    found
      .map(({ entry, events }) =>
        events.length === 0
          ? `no events of entry ${JSON.stringify(entry)}`
          : `${titleText(entry)}\n${eventsTable(events)}`,
      )
      .join('\n\n'),
  );
}

function eventsTable(events: readonly { taskId: string; enqueuedAt: Date }[]): string {
  return tableText(
    [{ head: 'task id' }, { head: 'enqueued' }],
    events.map(({ taskId, enqueuedAt }) => [taskId, instantText(enqueuedAt)]),
  );
}
