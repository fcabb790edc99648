/** What `threadmill server` does. */
import { withInspector } from '../open-client.ts';
import { tableText } from '../output/table.ts';
import { relativeText } from '../output/text.ts';
import type { Call } from '../redis-command.ts';
import { report } from '../report.ts';

/** Lists the servers that run. */
export async function list(call: Call): Promise<void> {
  const servers = await withInspector(call, (inspector) => inspector.servers());
  report(call, servers, () =>
    servers.length === 0
      ? 'no servers'
      : tableText(
          [
            { head: 'host', isFlexible: true },
            { head: 'pid', align: 'right' },
            { head: 'state' },
            { head: 'busy', align: 'right' },
            { head: 'queues', isFlexible: true },
            { head: 'started' },
          ],
          servers.map(({ host, pid, status, workers, concurrency, startedAt, ...server }) => [
            host,
            pid,
            status,
            `${workers.length}/${concurrency}`,
            queuesText(server),
            relativeText(startedAt),
          ]),
        ),
  );
}

/** `critical=6,low=1`, as `--queues` takes them; heaviest first. */
function queuesText({
  queues,
  strictPriority,
}: {
  readonly queues: Readonly<Record<string, number>>;
  readonly strictPriority: boolean;
}): string {
  const weights = Object.entries(queues).sort(([, a], [, b]) => b - a);
  const text = weights.map(([name, weight]) => `${name}=${weight}`).join(',');
  return strictPriority ? `${text} (strict)` : text;
}
