/**
 * The one place that knows defaults: options, flags, environment and config file become checked, frozen settings.
 * Every problem is reported at once. Components receive the few values they use, never the whole.
 */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { isatty } from 'node:tty';
import { fileURLToPath } from 'node:url';
import { loadConfigFile } from './config/config-file.ts';
import { readSchedule } from './config/schedule.ts';
import { type Machine, thisMachine, usableCores } from './config/cpu-count.ts';
import {
  type Checked,
  checkLayers,
  envLayer,
  flagsLayer,
  issueOf,
  type Layer,
  optionsLayer,
} from './config/layers.ts';
import type { ServerOptions } from './config/server-options.ts';
import type { AnySetting, RecycleValues, SettingName, SettingValues } from './config/setting.ts';
import type {
  ClientOptionsInput,
  ClientSettings,
  CommandInput,
  ServerSettings,
  ServeSettings,
} from './config/settings.ts';
import { SETTINGS } from './config/settings-table.ts';
import type { GroupRules } from './policy/group-rules.ts';
import type { RecycleLimits } from './policy/recycle.ts';
import { InvalidOptionsError, type OptionIssue } from './errors.ts';

export type {
  BeforeLease,
  ErrorHandler,
  IsFailureFunction,
  PathOption,
  RecycleOption,
  RetryDelayFunction,
  ServerOptions,
} from './config/server-options.ts';
export type {
  ClientOptionsInput,
  ClientSettings,
  CommandInput,
  ServerSettings,
  ServeSettings,
} from './config/settings.ts';

/** Options of `Server` that are no settings, and what they accept. */
const HOOKS = {
  logger: 'a pino logger',
  retryDelay: 'a function',
  isFailure: 'a function',
  errorHandler: 'a function',
  beforeLease: 'a function',
  concurrencySource: 'text',
} as const;

/** Checks the options of `new Server`. Throws `InvalidOptionsError` that lists every problem. */
export function resolveServerSettings(
  options: ServerOptions,
  machine: Machine = thisMachine(),
): ServerSettings {
  const given: Readonly<Record<string, unknown>> = { ...options };
  const rows = SETTINGS.filter(({ scope }) => scope === 'server');
  const others = Object.keys(HOOKS);
  const checked = checkLayers([optionsLayer(given, process.cwd(), { rows, others })]);
  const missing = rows
    .filter(({ option }) => option === 'handlers' && given[option] === undefined)
    .map((row) => issueOf(row, { name: row.option, value: undefined }));
  throwIssues([...missing, ...checked.issues, ...hookIssues(given)], 'options');
  const settings = serverSettings(checked, checked.values.handlers ?? [], machine);
  return Object.freeze({
    ...settings,
    concurrencySource: options.concurrencySource ?? settings.concurrencySource,
  });
}

/** Settings of `threadmill serve`. Rejects with `InvalidOptionsError` that lists every problem of every source. */
export async function resolveServeSettings(input: CommandInput): Promise<ServeSettings> {
  const file = await loadConfigFile(input.cwd, input.configFile);
  const checked = checkLayers(commandLayers(input, file));
  const { values } = checked;
  const schedule = readSchedule(file, valueOf(values, 'maxPayloadSize'));
  throwIssues(
    [...file.issues, ...checked.issues, ...hookIssues(file.options, file.name), ...schedule.issues],
    'settings',
  );
  const { paths, source } = handlersOf(checked, input.cwd);
  const settings = serverSettings(checked, paths, input.machine ?? thisMachine());
  return Object.freeze({
    ...settings,
    ...redisOf(values),
    processes: valueOf(values, 'processes'),
    httpHost: valueOf(values, 'httpHost'),
    httpPort: valueOf(values, 'httpPort'),
    isHttpPortChosen: values.httpPort !== undefined,
    logPretty: values.logPretty ?? input.isTerminal ?? isatty(1),
    queueMetrics: valueOf(values, 'queueMetrics'),
    handlersSource: source,
    ...(schedule.schedule === undefined ? {} : { schedule: schedule.schedule }),
    ...(file.name === '' ? {} : { configFile: file.name }),
    serverOptions: serverOptions(values, settings, file.options),
  });
}

const CLIENT_SETTINGS = ['redis', 'connectTimeout', 'maxPayloadSize'] as const;

/** Checks the options of `new Client`. Throws `InvalidOptionsError` that lists every problem. */
export function resolveClientSettings(options: ClientOptionsInput): ClientSettings {
  const rows = SETTINGS.filter(({ option }) => CLIENT_SETTINGS.some((name) => name === option));
  const { values, issues } = checkLayers([optionsLayer({ ...options }, process.cwd(), { rows })]);
  throwIssues(issues, 'options');
  return clientSettings(values);
}

/** Settings of `threadmill enqueue`, from the sources of `serve`; others are known there but not checked. */
export async function resolveEnqueueSettings(input: CommandInput): Promise<ClientSettings> {
  const file = await loadConfigFile(input.cwd, input.configFile);
  const { values, issues } = checkLayers(commandLayers(input, file), CLIENT_SETTINGS);
  throwIssues([...file.issues, ...issues], 'settings');
  return clientSettings(values);
}

function clientSettings(values: Readonly<Partial<SettingValues>>): ClientSettings {
  return Object.freeze({
    ...redisOf(values),
    connectTimeoutMs: valueOf(values, 'connectTimeout'),
    maxPayloadSize: valueOf(values, 'maxPayloadSize'),
  });
}

function commandLayers(
  { flags, knownFlags, env, cwd }: CommandInput,
  file: Awaited<ReturnType<typeof loadConfigFile>>,
): Layer[] {
  const others = [...Object.keys(HOOKS), 'schedule'];
  return [
    flagsLayer(flags, cwd, knownFlags),
    envLayer(env, cwd),
    optionsLayer(file.options, file.folder, { others, file: file.name }),
  ];
}

function throwIssues(issues: readonly OptionIssue[], what: string): void {
  if (issues.length > 0) throw new InvalidOptionsError(issues, what);
}

function hookIssues(options: Readonly<Record<string, unknown>>, file = ''): OptionIssue[] {
  return Object.entries(HOOKS).flatMap(([name, accepts]) => {
    const value = options[name];
    if (value === undefined || isHook(value, accepts)) return [];
    return [{ name: file === '' ? name : `${name} in ${file}`, value, accepts }];
  });
}

function isHook(value: unknown, accepts: (typeof HOOKS)[keyof typeof HOOKS]): boolean {
  if (accepts === 'text') return typeof value === 'string';
  if (accepts === 'a function') return typeof value === 'function';
  const logger = value as { readonly child?: unknown; readonly info?: unknown } | null;
  return typeof logger?.child === 'function' && typeof logger.info === 'function';
}

/** The checked value, or the table's default. Only for settings that have one. */
function valueOf<Name extends SettingName>(
  values: Readonly<Partial<SettingValues>>,
  name: Name,
): SettingValues[Name] {
  const value = values[name] ?? SETTINGS.find((row) => row.option === name)?.defaultValue;
  if (value === undefined) throw new TypeError(`setting ${name} has no default`);
  return value as SettingValues[Name];
}

function serverSettings(
  checked: Checked,
  handlers: readonly string[],
  machine: Machine,
): ServerSettings {
  const { values } = checked;
  const tasksPerThread = valueOf(values, 'tasksPerThread');
  const { concurrency, source } = concurrencyOf(checked, tasksPerThread, machine);
  return Object.freeze({
    handlers,
    middleware: values.middleware ?? Object.freeze([]),
    queues: valueOf(values, 'queues'),
    strictPriority: valueOf(values, 'strictPriority'),
    concurrency,
    tasksPerThread,
    threads: Math.ceil(concurrency / tasksPerThread),
    concurrencySource: source,
    shutdownTimeoutMs: valueOf(values, 'shutdownTimeout'),
    cancelGraceMs: valueOf(values, 'cancelGrace'),
    leaseDurationMs: valueOf(values, 'leaseDuration'),
    maxRetryDelayMs: valueOf(values, 'maxRetryDelay'),
    ...(values.maxOldGenerationMb === undefined
      ? {}
      : { maxOldGenerationMb: values.maxOldGenerationMb }),
    ...(values.maxTaskMemoryMb === undefined ? {} : { maxTaskMemoryMb: values.maxTaskMemoryMb }),
    maxCrashes: valueOf(values, 'maxCrashes'),
    ...(values.recycle === undefined ? {} : { recycle: recycleLimits(values.recycle) }),
    maxPayloadSize: valueOf(values, 'maxPayloadSize'),
    connectTimeoutMs: valueOf(values, 'connectTimeout'),
    pollIntervalMs: valueOf(values, 'pollInterval'),
    forwardIntervalMs: valueOf(values, 'forwardInterval'),
    janitorIntervalMs: valueOf(values, 'janitorInterval'),
    recoverIntervalMs: valueOf(values, 'recoverInterval'),
    heartbeatIntervalMs: valueOf(values, 'heartbeatInterval'),
    healthIntervalMs: valueOf(values, 'healthInterval'),
    groups: groupRules(values),
    logLevel: valueOf(values, 'logLevel'),
  });
}

function groupRules(values: Checked['values']): GroupRules {
  const { groupMaxDelay: maxDelayMs, groupMaxSize: maxSize } = values;
  return Object.freeze({
    graceMs: valueOf(values, 'groupGracePeriod'),
    ...(maxDelayMs === undefined ? {} : { maxDelayMs }),
    ...(maxSize === undefined ? {} : { maxSize }),
  });
}

function recycleLimits({ tasks, rss, age }: RecycleValues): RecycleLimits {
  return Object.freeze({
    ...(tasks === undefined ? {} : { tasks }),
    ...(rss === undefined ? {} : { rssBytes: rss * 1_048_576 }),
    ...(age === undefined ? {} : { ageMs: age }),
  });
}

function concurrencyOf(
  { values, origin }: Checked,
  tasksPerThread: number,
  machine: Machine,
): { concurrency: number; source: string } {
  const name = origin.get('concurrency');
  if (values.concurrency !== undefined && name !== undefined) {
    return { concurrency: values.concurrency, source: `set by ${name}` };
  }
  const { cores, quota } = usableCores(machine);
  const product = `${plural(cores, 'core')} x ${plural(tasksPerThread, 'task')} per thread`;
  const why = quota === undefined ? '' : ` (cgroup quota of ${Number(quota.toFixed(2))} CPUs)`;
  return { concurrency: cores * tasksPerThread, source: product + why };
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function redisOf(
  values: Readonly<Partial<SettingValues>>,
): Pick<ServeSettings, 'redis' | 'redisUrl'> {
  const { redis } = values;
  if (redis === undefined) return {};
  return typeof redis === 'string' ? { redis, redisUrl: redis } : { redis };
}

/** Without a setting: `./handlers` if it is there, else the bundled ones, so that a first start shows something. */
function handlersOf(
  { values, origin }: Checked,
  cwd: string,
): { paths: readonly string[]; source: string } {
  if (values.handlers !== undefined) {
    return { paths: values.handlers, source: `set by ${origin.get('handlers')}` };
  }
  const own = resolve(cwd, 'handlers');
  if (existsSync(own)) return { paths: Object.freeze([own]), source: './handlers' };
  const source = 'the bundled handlers, as HANDLERS is not set and there is no ./handlers';
  return { paths: Object.freeze([bundledHandlers()]), source };
}

/** `workers/handlers` of this package, beside the compiled `src`. */
export function bundledHandlers(): string {
  return join(dirname(fileURLToPath(import.meta.url)), '..', 'workers', 'handlers');
}

function serverOptions(
  values: Readonly<Partial<SettingValues>>,
  settings: ServerSettings,
  file: Readonly<Record<string, unknown>>,
): Omit<ServerOptions, 'redis'> {
  const isOption = ({ option, scope }: AnySetting): boolean =>
    scope === 'server' && option !== 'redis' && values[option] !== undefined;
  return Object.freeze({
    ...Object.fromEntries(
      Object.keys(HOOKS).flatMap((name) => (file[name] === undefined ? [] : [[name, file[name]]])),
    ),
    ...Object.fromEntries(SETTINGS.filter(isOption).map(({ option }) => [option, values[option]])),
    handlers: settings.handlers,
    concurrency: settings.concurrency,
    concurrencySource: settings.concurrencySource,
  });
}
