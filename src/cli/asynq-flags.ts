/** The flags by which asynq's own command finds its Redis, so that fingers need not learn new ones. Not in `--help`. */
import { Option } from 'commander';
import { UsageError } from './usage-error.ts';

/** What was typed of them. */
export interface AsynqRedisFlags {
  readonly uri?: string;
  readonly db?: string;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: boolean;
  readonly cluster?: boolean;
  readonly cluster_addrs?: string;
}

const NAMES = ['uri', 'db', 'username', 'password', 'tls', 'cluster', 'cluster_addrs'] as const;

/** New options, for one command. */
export function asynqRedisOptions(): Option[] {
  return [
    new Option('-u, --uri <host:port>', 'Redis address').hideHelp(),
    new Option('-n, --db <number>', 'database').hideHelp(),
    new Option('-U, --username <name>', 'user').hideHelp(),
    new Option('-p, --password <password>', 'password').hideHelp(),
    new Option('--tls', 'connect with TLS').hideHelp(),
    new Option('--cluster', 'Redis is a Cluster').hideHelp(),
    new Option('--cluster_addrs <host:port,...>', 'its nodes').hideHelp(),
  ];
}

/**
 * The Redis URL that they stand for; `undefined` where none of them was typed. Throws `UsageError` beside
 * `--redis-url`, and without an address: a database number alone must not lead to a Redis that nobody named.
 */
export function asynqRedisUrl(
  flags: AsynqRedisFlags,
  redisUrl: string | undefined,
): string | undefined {
  const typed = NAMES.filter((name) => flags[name] !== undefined);
  if (typed.length === 0) return undefined;
  if (redisUrl !== undefined) {
    throw new UsageError(`--${typed[0]} cannot stand beside --redis-url: the URL holds all of it`);
  }
  const nodes = flags.cluster_addrs ?? flags.uri;
  if (nodes === undefined) {
    throw new UsageError(`--${typed[0]} needs --uri host:port; or use --redis-url`);
  }
  const isCluster = flags.cluster === true || flags.cluster_addrs !== undefined;
  const scheme = `redis${flags.tls === true ? 's' : ''}${isCluster ? '-cluster' : ''}`;
  return `${scheme}://${loginOf(flags)}${nodes}${flags.db === undefined ? '' : `/${flags.db}`}`;
}

function loginOf({ username, password }: AsynqRedisFlags): string {
  if (username === undefined && password === undefined) return '';
  return `${encodeURIComponent(username ?? '')}:${encodeURIComponent(password ?? '')}@`;
}
