/** What `threadmill task run`, `archive`, `delete`, `cancel` and their `…all` do. */
import type {
  BulkOptions,
  BulkResult,
  InspectorMethods,
  TaskFilter,
  TaskSelection,
} from '../../inspector/types.ts';
import { DEFAULT_QUEUE, type TaskState } from '../../task.ts';
import { openClient, withInspector } from '../open-client.ts';
import { confirm } from '../output/confirm.ts';
import { startProgress } from '../output/progress.ts';
import { countText, plural } from '../output/text.ts';
import { EXIT_INTERRUPTED, interruptible } from '../interrupt.ts';
import type { Call } from '../redis-command.ts';
import { report } from '../report.ts';
import { reportError } from '../report-error.ts';
import { UsageError } from '../usage-error.ts';
import { durationOf, wrongFlag } from './numbers.ts';
import { groupOf } from './task.ts';

/** What can be done with many tasks. */
export type BulkVerb = 'cancel' | 'run' | 'archive' | 'delete';

/** What was typed. */
export interface BulkFlags {
  readonly queue?: string;
  readonly id?: readonly string[];
  readonly state?: TaskState;
  readonly group?: string;
  readonly type?: string;
  readonly error?: string;
  readonly payload?: string;
  readonly olderThan?: string;
  readonly yes?: boolean;
}

const DONE: Readonly<Record<BulkVerb, string>> = {
  cancel: 'asked to stop',
  run: 'made pending',
  archive: 'archived',
  delete: 'deleted',
};

/** Acts on the tasks that were named or chosen. `isAll`: on all of a state, of which there may be none. */
export async function bulk(
  verb: BulkVerb,
  call: Call<BulkFlags>,
  { isAll = false }: { readonly isAll?: boolean } = {},
): Promise<void> {
  const selection = selectionOf(verb, call);
  if (verb === 'cancel' && 'ids' in selection && call.flags.queue === undefined) {
    await cancelAnywhere(call, selection.ids);
    return;
  }
  const question = questionOf(verb, selection);
  const result = await withInspector(call, async (inspector) => {
    if (question !== undefined && call.flags.yes !== true) {
      const count = await countOf(inspector, selection);
      if (count > 0 && !(await confirm(question(count), false))) return undefined;
    }
    return carryOut(verb, inspector, selection);
  });
  if (result === undefined) {
    call.shell.printError(`nothing was ${DONE[verb]}`);
    call.shell.fail();
    return;
  }
  conclude(verb, call, result, { mayBeNone: isAll });
}

/** Throws `UsageError` unless tasks are named in exactly one way. */
function selectionOf(verb: BulkVerb, { words, flags }: Call<BulkFlags>): TaskSelection {
  const ids = [...new Set([...words, ...(flags.id ?? [])])];
  const { queue = DEFAULT_QUEUE } = flags;
  const filter = filterOf(flags);
  const hasFilter = Object.keys(filter).length > 0;
  const state = flags.state ?? (verb === 'cancel' && hasFilter ? 'active' : undefined);
  if (ids.length > 0) {
    if (state !== undefined || hasFilter || flags.group !== undefined) {
      throw new UsageError(
        'name tasks by their IDs or choose them by --state and filters, not both',
      );
    }
    return { queue, ids };
  }
  if (state === undefined) {
    throw new UsageError('name tasks by their IDs, or choose them by --state');
  }
  const group = groupOf({ state, ...(flags.group === undefined ? {} : { group: flags.group }) });
  return { queue, state, ...group, ...(hasFilter ? { filter } : {}) };
}

function filterOf({ type, error, payload, olderThan }: BulkFlags): TaskFilter {
  return {
    ...(type === undefined ? {} : { type }),
    ...(error === undefined ? {} : { error }),
    ...(payload === undefined ? {} : { payload: payloadFilter(payload) }),
    ...(olderThan === undefined ? {} : { olderThanMs: durationOf('--older-than', olderThan) }),
  };
}

/** `user.id=5`: the value as JSON where it is any, else as text. */
function payloadFilter(text: string): { path: string; equals: unknown } {
  const at = text.indexOf('=');
  if (at <= 0) throw wrongFlag('--payload', text, 'path=value, as in user.id=5');
  const [path, value] = [text.slice(0, at), text.slice(at + 1)];
  try {
    return { path, equals: JSON.parse(value) as unknown };
  } catch {
    return { path, equals: value };
  }
}

/** Tasks of a queue, as in asynq. */
const ARCHIVE_KEEPS = 9_999;

/** What to ask before, given how many tasks there are; `undefined` where nothing needs asking. */
function questionOf(
  verb: BulkVerb,
  selection: TaskSelection,
): ((count: number) => string) | undefined {
  const isDelete = verb === 'delete';
  const word = isDelete ? 'Delete' : 'Archive';
  const queue = `of queue ${JSON.stringify(selection.queue)}`;
  if (!('state' in selection)) {
    return isDelete ? (count) => `${word} ${plural(count, 'task')} ${queue}?` : undefined;
  }
  if (!isDelete && verb !== 'archive') return undefined;
  const { state, group, filter } = selection;
  const where = group === undefined ? queue : `in group ${JSON.stringify(group)} ${queue}`;
  return (count) => {
    const loses = !isDelete && count > ARCHIVE_KEEPS;
    const warning = loses ? ' (the archive keeps the newest ten thousand, and deletes others)' : '';
    return filter === undefined
      ? `${word} all ${countText(count)} ${state} tasks ${where}${warning}?`
      : `${word} those of the ${countText(count)} ${state} tasks ${where} that match${warning}?`;
  };
}

async function countOf(inspector: InspectorMethods, selection: TaskSelection): Promise<number> {
  if ('ids' in selection) return selection.ids.length;
  if ('id' in selection) return 1;
  const { queue, state, group } = selection;
  const page = { queue, state, ...(group === undefined ? {} : { group }), size: 1 };
  return (await inspector.listTasks(page)).total;
}

async function carryOut(
  verb: BulkVerb,
  inspector: InspectorMethods,
  selection: TaskSelection,
): Promise<BulkResult> {
  const progress = await startProgress(verb, 'tasks');
  try {
    return await interruptible((signal) => {
      const options: BulkOptions = {
        signal,
        onProgress: ({ seen, total }) => progress.update(seen, total),
      };
      return inspector[verb](selection, options);
    });
  } finally {
    progress.stop();
  }
}

/** As asynq's command: whichever queue the tasks are in. */
async function cancelAnywhere(call: Call<BulkFlags>, ids: readonly string[]): Promise<void> {
  const client = await openClient(call.input);
  try {
    let changed = 0;
    for (const id of ids) {
      const asked = await client.cancel(id);
      changed += asked;
      if (asked === 0) {
        call.shell.printError(`threadmill: no running task has the ID ${JSON.stringify(id)}`);
        call.shell.fail();
      }
    }
    const result = { seen: ids.length, total: ids.length, changed, failures: [], isStopped: false };
    conclude('cancel', call, result, { mayBeNone: false });
  } finally {
    await client.close();
  }
}

function conclude(
  verb: BulkVerb,
  call: Call<BulkFlags>,
  result: BulkResult,
  { mayBeNone }: { readonly mayBeNone: boolean },
): void {
  const { shell } = call;
  for (const { error } of result.failures) shell.printError(reportError(error, false).text);
  if (result.isStopped) shell.fail(EXIT_INTERRUPTED);
  else if (result.failures.length > 0 || (result.changed === 0 && !mayBeNone)) shell.fail();
  report(call, result, () => summary(verb, result));
}

function summary(verb: BulkVerb, { seen, changed, total, isStopped }: BulkResult): string {
  const done = `${DONE[verb]}: ${plural(changed, 'task')}`;
  const far = isStopped ? `; stopped after ${countText(seen)} of ${countText(total)}` : '';
  return `${done}${far}`;
}
