/** The shape of one row of the settings table. */
import type { z } from 'zod';
import type { LogLevel } from '../threads/messages.ts';
import type { RedisOption } from './server-options.ts';

/** `recycle` as it is checked: memory in MB, age in milliseconds. */
export interface RecycleValues {
  readonly tasks?: number;
  readonly rss?: number;
  readonly age?: number;
}

/** Checked values by option name. Durations are milliseconds; paths are as given. */
export interface SettingValues {
  redis: RedisOption;
  handlers: readonly string[];
  middleware: readonly string[];
  queues: Readonly<Record<string, number>>;
  concurrency: number;
  tasksPerThread: number;
  strictPriority: boolean;
  shutdownTimeout: number;
  cancelGrace: number;
  leaseDuration: number;
  maxRetryDelay: number;
  maxOldGenerationMb: number;
  maxTaskMemoryMb: number;
  maxCrashes: number;
  recycle: RecycleValues;
  processes: number;
  maxPayloadSize: number;
  connectTimeout: number;
  pollInterval: number;
  forwardInterval: number;
  janitorInterval: number;
  recoverInterval: number;
  heartbeatInterval: number;
  healthInterval: number;
  groupGracePeriod: number;
  groupMaxDelay: number;
  groupMaxSize: number;
  logLevel: LogLevel | 'silent';
  logPretty: boolean;
  httpHost: string;
  httpPort: number | 'off';
  queueMetrics: boolean | readonly string[];
}

/** Name of a setting as an option of `Server` or a key of the config file. */
export type SettingName = keyof SettingValues;

/** One setting: all its names, what it accepts, what it does. */
export interface Setting<Name extends SettingName = SettingName> {
  /** Key of the options and of the config file. */
  readonly option: Name;
  /** Environment variable. */
  readonly env: string;
  /** Flag of `threadmill serve`, with its dashes. */
  readonly flag: string;
  /** Stands for the value in `--help`. */
  readonly placeholder: string;
  /** `undefined`: none, or found out at start (`defaultText` says how). */
  readonly defaultValue: SettingValues[Name] | undefined;
  readonly defaultText: string;
  readonly accepts: string;
  readonly description: string;
  /** Takes text (flags, environment) and native values (options, config file) alike. */
  readonly schema: z.ZodType<SettingValues[Name]>;
  /** `server`: option of `Server` too. `command`: of `threadmill serve` only. */
  readonly scope: 'server' | 'command';
  /** Its value is never shown as it is. */
  readonly isSecret: boolean;
  /** A flag that may stand without a value, which means `true`. */
  readonly isSwitch: boolean;
}

/** Any row of the table, its schema and default tied to its name. */
export type AnySetting = { [Name in SettingName]: Setting<Name> }[SettingName];
