/** What an operator selected, checked. */
import type { TaskPlace } from '../broker/broker.ts';
import type { OptionIssue } from '../errors.ts';
import { EnqueueChecks } from '../policy/enqueue-checks.ts';
import { checkFilter } from '../policy/task-filter.ts';
import type { TaskState } from '../task.ts';
import { checkState, throwIssues } from './checks.ts';
import type { TaskFilter, TaskSelection } from './types.ts';

/** What can be done with tasks. */
export type InspectorAction = 'run' | 'archive' | 'delete' | 'cancel';

/** A selection that was checked. */
export type Selected =
  | { readonly kind: 'one'; readonly queue: string; readonly id: string }
  | { readonly kind: 'ids'; readonly queue: string; readonly ids: readonly string[] }
  | {
      readonly kind: 'place';
      readonly queue: string;
      readonly place: TaskPlace;
      readonly filter: TaskFilter | undefined;
    };

/** States in which each action makes sense. */
export const ALLOWED: Readonly<Record<InspectorAction, readonly TaskState[]>> = {
  run: ['scheduled', 'retry', 'archived', 'completed', 'aggregating'],
  archive: ['pending', 'scheduled', 'retry', 'completed', 'aggregating'],
  delete: ['pending', 'scheduled', 'retry', 'archived', 'completed', 'aggregating'],
  cancel: ['active'],
};

/** Checks a selection for an action. Throws `InvalidOptionsError`. */
export function checkSelection(action: InspectorAction, selection: TaskSelection): Selected {
  const issues: OptionIssue[] = [];
  const checks = new EnqueueChecks(issues);
  const queue = checks.name({ name: 'queue', value: selection.queue }) ?? '';
  const selected = select(action, selection, queue, issues);
  throwIssues(issues);
  return selected;
}

function select(
  action: InspectorAction,
  selection: TaskSelection,
  queue: string,
  issues: OptionIssue[],
): Selected {
  const checks = new EnqueueChecks(issues);
  if ('id' in selection) {
    return { kind: 'one', queue, id: checks.name({ name: 'id', value: selection.id }) ?? '' };
  }
  if ('ids' in selection) return { kind: 'ids', queue, ids: checkIds(selection.ids, issues) };
  const { state, group, filter } = selection;
  const wrong = checkState(state, group);
  issues.push(...wrong);
  if (wrong.length === 0 && !ALLOWED[action].includes(state)) {
    issues.push({ name: 'state', value: state, accepts: `one of ${ALLOWED[action].join(', ')}` });
  }
  if (filter !== undefined) issues.push(...checkFilter(filter));
  return { kind: 'place', queue, place: { queue, state, group }, filter };
}

/** Each once: a second time it would be in another state. */
function checkIds(ids: readonly string[], issues: OptionIssue[]): readonly string[] {
  if (!Array.isArray(ids)) {
    issues.push({ name: 'ids', value: ids, accepts: 'a list of task IDs' });
    return [];
  }
  const checks = new EnqueueChecks(issues);
  for (const [index, value] of ids.entries()) checks.name({ name: `ids[${index}]`, value });
  return [...new Set(ids)];
}
