/** The key `schedule` of the config file: a list of entries, or options with a provider. No flag and no variable sets it. */
import type { OptionIssue } from '../errors.ts';
import { type CheckedSchedule, checkSchedule } from '../policy/schedule-options.ts';
import type { ConfigFile } from './config-file.ts';

/** The checked schedule; `undefined` when there is none, or nothing in it. */
export function readSchedule(
  file: Pick<ConfigFile, 'name' | 'options'>,
  maxPayloadSize: number,
): { readonly schedule: CheckedSchedule | undefined; readonly issues: readonly OptionIssue[] } {
  const given = file.options['schedule'];
  if (given === undefined) return { schedule: undefined, issues: [] };
  const issues: OptionIssue[] = [];
  const nameOf = (path: string): string => `${pathIn(given, path)} in ${file.name}`;
  const schedule = checkSchedule(given, nameOf, maxPayloadSize, issues);
  const isEmpty = schedule?.entries.length === 0 && schedule.provider === undefined;
  return { schedule: isEmpty ? undefined : schedule, issues };
}

/** `schedule[0].spec` for a list, `schedule.entries[0].spec` for options. */
function pathIn(given: unknown, path: string): string {
  if (Array.isArray(given)) return `schedule${path.replace(/^entries/, '')}`;
  return path === '' ? 'schedule' : `schedule.${path}`;
}
