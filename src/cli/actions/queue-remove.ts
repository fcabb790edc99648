/** What `threadmill queue remove` does. */
import type { InspectorMethods } from '../../inspector/types.ts';
import { EXIT_INTERRUPTED, interruptible } from '../interrupt.ts';
import { withInspector } from '../open-client.ts';
import { confirm } from '../output/confirm.ts';
import { startProgress } from '../output/progress.ts';
import { countText, plural } from '../output/text.ts';
import type { Call } from '../redis-command.ts';
import { forEachNamed } from '../report.ts';
import { wrongFlag } from './numbers.ts';
import { reportChanged } from './queue.ts';

/** What was typed. */
export interface RemoveFlags {
  readonly force?: boolean;
  readonly yes?: boolean;
}

/** Removes queues, after a question. */
export async function remove(call: Call<RemoveFlags>): Promise<void> {
  const { words, flags, shell } = call;
  if (words.some((name) => name.trim() === '')) {
    throw wrongFlag('queue', '', 'a name that is not blank');
  }
  if (!(await confirm(questionOf(words, flags.force === true), flags.yes === true))) {
    shell.printError('nothing was removed');
    shell.fail();
    return;
  }
  const removed = await interruptible((signal) =>
    withInspector(call, (inspector) =>
      forEachNamed(call, (queue) => removeOne(inspector, call, queue, signal)),
    ),
  );
  reportChanged(
    call,
    'removed',
    removed.filter((queue) => queue !== undefined),
  );
}

function questionOf(names: readonly string[], force: boolean): string {
  const quoted = names.map((name) => JSON.stringify(name)).join(', ');
  return `Remove ${plural(names.length, 'queue')} (${quoted})${force ? ' with all tasks' : ''}?`;
}

/** The queue; `undefined` when Ctrl-C came before its end. */
async function removeOne(
  inspector: InspectorMethods,
  { flags, shell }: Call<RemoveFlags>,
  queue: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const progress = await startProgress('remove', 'tasks');
  try {
    const { isStopped, changed, total } = await inspector.removeQueue(queue, {
      force: flags.force === true,
      signal,
      onProgress: (now) => progress.update(now.seen, now.total),
    });
    if (!isStopped) return queue;
    const far = `${countText(changed)} of ${plural(total, 'task')} deleted`;
    shell.printError(`stopped: queue ${JSON.stringify(queue)} is still there, ${far}`);
    shell.fail(EXIT_INTERRUPTED);
    return undefined;
  } finally {
    progress.stop();
  }
}
