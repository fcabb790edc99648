/**
 * Layers of settings, strongest first: flags, environment, config file; or the options of `new Server` alone. Each
 * value keeps the name under which the user wrote it. A wrong value is reported also when a stronger layer hides it.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { OptionIssue } from '../errors.ts';
import { suggestName } from '../policy/suggest.ts';
import { redactSecret } from './redact.ts';
import type { AnySetting, SettingName, SettingValues } from './setting.ts';
import { SETTINGS } from './settings-table.ts';

/** One value as the user gave it. */
export interface Given {
  /** `queues`, `--queues`, `QUEUES`, or `queues in threadmill.config.js`. */
  readonly name: string;
  readonly value: unknown;
}

/** One place that settings come from. */
export interface Layer {
  readonly given: ReadonlyMap<SettingName, Given>;
  /** Relative paths in it are seen from here. */
  readonly folder: string;
  /** Names that nobody knows. */
  readonly issues: readonly OptionIssue[];
}

/** Checked values of all layers, where each came from, and every problem. */
export interface Checked {
  readonly values: Readonly<Partial<SettingValues>>;
  readonly origin: ReadonlyMap<SettingName, string>;
  readonly issues: readonly OptionIssue[];
}

/** Values by option name, from code or a config file. `others`: names that are known but no settings (functions). */
export function optionsLayer(
  options: Readonly<Record<string, unknown>>,
  folder: string,
  {
    rows = SETTINGS,
    others = [],
    file = '',
  }: { rows?: readonly AnySetting[]; others?: readonly string[]; file?: string } = {},
): Layer {
  const nameOf = (option: string): string => (file === '' ? option : `${option} in ${file}`);
  const known = [...rows.map((row) => row.option), ...others];
  const unknown = Object.keys(options).filter((option) => !known.includes(option));
  return {
    given: collect(rows, (row) => ({ name: nameOf(row.option), value: options[row.option] })),
    folder,
    issues: unknown.map((option) =>
      unknownName(nameOf(option), options[option], suggestName(option, known)),
    ),
  };
}

/** Values by environment variable. An empty one is not set. */
export function envLayer(env: NodeJS.ProcessEnv, folder: string): Layer {
  return {
    given: collect(SETTINGS, (row) => ({
      name: row.env,
      value: env[row.env] === '' ? undefined : env[row.env],
    })),
    folder,
    issues: [],
  };
}

/** Flags of all settings. */
export const SETTING_FLAGS: readonly string[] = SETTINGS.map((row) => row.flag);

/** Values by flag (`--queues`); `true` stands for a flag without a value. Flags that are not `known` are reported. */
export function flagsLayer(
  flags: Readonly<Record<string, unknown>>,
  folder: string,
  known: readonly string[] = SETTING_FLAGS,
): Layer {
  const unknown = Object.keys(flags).filter((flag) => !known.includes(flag));
  return {
    given: collect(SETTINGS, (row) => ({ name: row.flag, value: flags[row.flag] })),
    folder,
    issues: unknown.map((flag) => unknownName(flag, flags[flag], suggestName(flag, known))),
  };
}

function collect(
  rows: readonly AnySetting[],
  read: (row: AnySetting) => Given,
): Map<SettingName, Given> {
  const entries = rows.map((row) => [row.option, read(row)] as const);
  return new Map(entries.filter(([, given]) => given.value !== undefined));
}

function unknownName(name: string, value: unknown, near: string | undefined): OptionIssue {
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  return { name, value: redactSecret(value), accepts: `nothing: there is no such setting${hint}` };
}

/** Checks these settings in every layer; the first layer that has a setting decides its value. */
export function checkLayers(layers: readonly Layer[], names?: readonly SettingName[]): Checked {
  const values: Partial<Record<SettingName, unknown>> = {};
  const origin = new Map<SettingName, string>();
  const issues = layers.flatMap((layer) => layer.issues);
  for (const row of SETTINGS.filter(({ option }) => names?.includes(option) ?? true)) {
    for (const layer of layers) {
      const given = layer.given.get(row.option);
      if (given === undefined) continue;
      const value = checkValue(row, given.value, layer.folder);
      if (value === undefined) issues.push(issueOf(row, given));
      else if (!origin.has(row.option)) {
        values[row.option] = value;
        origin.set(row.option, given.name);
      }
    }
  }
  return { values: values as Partial<SettingValues>, origin, issues };
}

/** The checked value, or `undefined` when it is not acceptable. Paths come out absolute, and exist. */
function checkValue(row: AnySetting, value: unknown, folder: string): unknown {
  const parsed = row.schema.safeParse(value);
  if (!parsed.success) return undefined;
  if (row.option !== 'handlers' && row.option !== 'middleware') return parsed.data;
  const paths = (parsed.data as readonly string[]).map((path) => resolve(folder, path));
  return paths.every((path) => existsSync(path)) ? Object.freeze(paths) : undefined;
}

/** The problem with a value, fit to be shown: a secret is replaced. */
export function issueOf(row: AnySetting, given: Given): OptionIssue {
  const value = row.isSecret ? redactSecret(given.value) : given.value;
  return { name: given.name, value, accepts: row.accepts };
}
