/** What `threadmill group` does. */
import { DEFAULT_QUEUE } from '../../task.ts';
import { withInspector } from '../open-client.ts';
import { tableText } from '../output/table.ts';
import { countText } from '../output/text.ts';
import type { Call } from '../redis-command.ts';
import { report } from '../report.ts';

/** What was typed. */
export interface GroupFlags {
  readonly queue?: string;
}

/** Lists the groups of a queue. */
export async function list(call: Call<GroupFlags>): Promise<void> {
  const queue = call.flags.queue ?? DEFAULT_QUEUE;
  const groups = await withInspector(call, (inspector) => inspector.groups(queue));
  report(call, groups, () =>
    groups.length === 0
      ? `no groups in queue ${JSON.stringify(queue)}`
      : tableText(
          [
            { head: 'group', isFlexible: true },
            { head: 'tasks', align: 'right' },
          ],
          groups.map(({ name, size }) => [name, countText(size)]),
        ),
  );
}
