/** What settings look like once they are checked, and what they are resolved from. */
import type { Duration } from '../task.ts';
import type { Machine } from './cpu-count.ts';
import type { RedisOption, ServerOptions } from './server-options.ts';
import type { RecycleLimits } from '../policy/recycle.ts';
import type { CheckedSchedule } from '../policy/schedule-options.ts';
import type { SettingValues } from './setting.ts';
import type { GroupRules } from '../policy/group-rules.ts';

/** What a server works by. Frozen. Durations in milliseconds, paths absolute. */
export interface ServerSettings {
  /** Files and folders with handlers. */
  readonly handlers: readonly string[];
  readonly middleware: readonly string[];
  /** Queue names with weights. */
  readonly queues: Readonly<Record<string, number>>;
  readonly strictPriority: boolean;
  /** Tasks that run at once. */
  readonly concurrency: number;
  readonly tasksPerThread: number;
  /** `ceil(concurrency / tasksPerThread)`. */
  readonly threads: number;
  /** Where `concurrency` came from, in words. */
  readonly concurrencySource: string;
  readonly shutdownTimeoutMs: number;
  readonly cancelGraceMs: number;
  readonly leaseDurationMs: number;
  readonly maxRetryDelayMs: number;
  readonly maxOldGenerationMb?: number;
  readonly maxTaskMemoryMb?: number;
  readonly maxCrashes: number;
  readonly recycle?: RecycleLimits;
  /** Bytes. */
  readonly maxPayloadSize: number;
  readonly connectTimeoutMs: number;
  readonly pollIntervalMs: number;
  readonly forwardIntervalMs: number;
  readonly janitorIntervalMs: number;
  readonly recoverIntervalMs: number;
  readonly heartbeatIntervalMs: number;
  readonly healthIntervalMs: number;
  /** When groups are aggregated. */
  readonly groups: GroupRules;
  readonly logLevel: SettingValues['logLevel'];
}

/** What `threadmill serve` works by. */
export interface ServeSettings extends ServerSettings {
  /** As given; absent = start a private Redis. */
  readonly redis?: RedisOption;
  /** `redis` where it is a URL. Holds the password: show it through `redactRedisUrl`. */
  readonly redisUrl?: string;
  /** Child processes that run tasks. */
  readonly processes: number;
  readonly httpHost: string;
  readonly httpPort: number | 'off';
  /** Whether someone chose the port; a default that is taken may give way. */
  readonly isHttpPortChosen: boolean;
  readonly logPretty: boolean;
  /** `true` = the configured queues. */
  readonly queueMetrics: boolean | readonly string[];
  /** What the supervisor's scheduler runs. */
  readonly schedule?: CheckedSchedule;
  /** Why these handlers, in words. */
  readonly handlersSource: string;
  /** The config file that was read, relative to the working directory. */
  readonly configFile?: string;
  /** The same settings, and the functions of the config file, as options for `new Server`; only `redis` may be missing. */
  readonly serverOptions: Omit<ServerOptions, 'redis'>;
}

/** Options of `Client` as they are checked. */
export interface ClientOptionsInput {
  readonly redis?: RedisOption;
  readonly connectTimeout?: Duration;
  readonly maxPayloadSize?: number;
}

/** What a client works by. */
export interface ClientSettings {
  readonly redis?: RedisOption;
  readonly connectTimeoutMs: number;
  readonly maxPayloadSize: number;
}

/** Where a command's settings come from. */
export interface CommandInput {
  /** By flag with its dashes; unknown ones are reported with the rest. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** Flags that the command knows, for suggestions. Default: those of all settings. */
  readonly knownFlags?: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Relative paths of flags and environment are seen from here, and the config file is looked for here. */
  readonly cwd: string;
  /** Instead of `threadmill.config.{js,mjs,ts}` in `cwd`. */
  readonly configFile?: string;
  /** Whether stdout is a terminal: default of `logPretty`. */
  readonly isTerminal?: boolean;
  readonly machine?: Machine;
}
