/** How a row of the settings table is made: what follows from its name, and what its kind has in common. */
import * as schemas from './schemas.ts';
import type { Setting, SettingName } from './setting.ts';

export const SECOND = 1000;
export const MINUTE: number = 60 * SECOND;
export const HOUR: number = 60 * MINUTE;
export const DAY: number = 24 * HOUR;

type Row<Name extends SettingName> = Omit<
  Setting<Name>,
  'env' | 'flag' | 'isSecret' | 'isSwitch' | 'scope' | 'defaultValue' | 'defaultText'
> &
  Partial<Setting<Name>>;

/** A row; names and texts that follow from the given ones are filled in. */
export function row<Name extends SettingName>(given: Row<Name>): Setting<Name> {
  return Object.freeze({
    env: given.option.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase(),
    flag: `--${given.option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    defaultValue: undefined,
    defaultText: textOf(given.defaultValue),
    scope: 'server' as const,
    isSecret: false,
    isSwitch: false,
    ...given,
  });
}

/** Defaults that are neither lists nor weights as they would be typed; others bring their own text. */
function textOf(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value).replaceAll('"', '');
}

type DurationName = Extract<
  SettingName,
  `${string}${'Interval' | 'Timeout' | 'Grace' | 'Duration' | 'Delay' | 'Period'}`
>;

/** A row for a duration with its least, default (`undefined` = none) and greatest value in milliseconds. */
export function durationRow<Name extends DurationName>(
  option: Name,
  description: string,
  [min, byDefault, max]: readonly [number, number | undefined, number],
): Setting<Name> {
  // All of them are rows of numbers: the name alone tells one from another, so that a table knows which it has.
  const made: Setting<DurationName> = row({
    option,
    description,
    placeholder: 'duration',
    schema: schemas.duration(min, max),
    defaultValue: byDefault,
    defaultText: byDefault === undefined ? 'none' : shortDuration(byDefault),
    accepts: `a duration from ${shortDuration(min)} to ${shortDuration(max)}: milliseconds, or text such as 500ms, 30s, 1h30m`,
  });
  return made as Setting<Name>;
}

/** `90000` as `90s`, `7200000` as `2h`: the largest unit that leaves a whole number. */
export function shortDuration(ms: number): string {
  const units = [
    ['d', DAY],
    ['h', HOUR],
    ['m', MINUTE],
    ['s', SECOND],
  ] as const;
  const unit = units.find(([, size]) => ms >= size && ms % size === 0);
  if (unit !== undefined) return `${ms / unit[1]}${unit[0]}`;
  return ms === 0 ? '0' : `${ms}ms`;
}

/** What a whole number in these bounds accepts, in words. */
export function wholeAccepts(min: number, max: number): string {
  return `a whole number from ${min} to ${max}`;
}
