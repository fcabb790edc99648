/** The URL forms of a Redis address (protocol 19.1). */
import { isIP } from 'node:net';
import type { RedisOptions } from 'ioredis';
import { redactRedisUrl } from '../config/redact.ts';
import { InvalidOptionsError } from '../errors.ts';
import type { ClusterTarget } from './redis-options.ts';

const FORMS =
  'redis://[user:password@]host[:port][/db], redis-socket://[user:password@]/path[?db=n] or unix:///path[?db=n], redis-sentinel://[:password@]host[:port],…[/db]?master=name, redis-cluster://[user:password@]host[:port],…; rediss://, rediss-sentinel:// and rediss-cluster:// for TLS';

/** The forms with several hosts, which `URL` cannot read. */
const MANY_URL =
  /^redis(s?)-(sentinel|cluster):\/\/(?:([^/?#]*)@)?([^/?#@]+)(?:\/([^?#]*))?(?:\?([^#]*))?$/i;

/** A form with several hosts, in pieces. */
interface ManyHosts {
  readonly kind: string;
  readonly isTls: boolean;
  readonly login: Login;
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly db: number;
  readonly parameters: ReadonlyMap<string, string>;
}

type Login = Pick<RedisOptions, 'username' | 'password'>;

/** The forms without host, which `URL` cannot read: it wants a host where there is a login. */
const SOCKET_URL =
  /^(?:redis-socket|unix):(?:\/\/(?:([^/?#]*)@)?)?(\/(?!\/)[^?#]+)(?:\?([^#]*))?$/i;

/**
 * Reads the URL of a single Redis or of Sentinel. Throws `InvalidOptionsError`, in which the URL appears without its
 * user and password.
 */
export function parseRedisUrl(url: string): RedisOptions {
  const options = readSocket(url) ?? readSentinel(url) ?? readNetwork(url);
  if (options === undefined) throw refuse(url);
  return options;
}

/** Reads the URL of a Redis Cluster; `undefined` for that of anything else. Throws as `parseRedisUrl`. */
export function parseClusterUrl(url: string): ClusterTarget | undefined {
  if (!/^rediss?-cluster:/i.test(url)) return undefined;
  const { kind, isTls, login, hosts, db, parameters } = readMany(url, 6379) ?? {};
  // A Cluster has no other database.
  if (kind !== 'cluster' || hosts === undefined || db !== 0 || parameters?.size !== 0) {
    throw refuse(url);
  }
  const seeds = hosts.map(({ host, port }) => `${host}:${port}`);
  return { seeds, options: { ...login, ...(isTls === true ? { tls: {} } : {}) } };
}

function refuse(url: string): InvalidOptionsError {
  return new InvalidOptionsError([{ name: 'redis', value: redactRedisUrl(url), accepts: FORMS }]);
}

/**
 * As asynq has it, the login before the hosts is for the sentinels. That for the Redis servers comes as parameters. The
 * name of the master has no default: a wrong guess would only show as "no such master".
 */
function readSentinel(text: string): RedisOptions | undefined {
  const { kind, isTls, login = {}, hosts, db, parameters } = readMany(text, 26_379) ?? {};
  const name = parameters?.get('master') ?? '';
  const known = new Set(['master', 'username', 'password']);
  const isKnown = [...(parameters?.keys() ?? [])].every((each) => known.has(each));
  if (kind !== 'sentinel' || hosts === undefined || name === '' || !isKnown) return undefined;
  const { username, password } = login;
  return {
    sentinels: [...hosts],
    name,
    db: db ?? 0,
    ...pickLogin(parameters?.get('username') ?? '', parameters?.get('password') ?? ''),
    ...(username === undefined ? {} : { sentinelUsername: username }),
    ...(password === undefined ? {} : { sentinelPassword: password }),
    ...(isTls === true ? { tls: {}, sentinelTLS: {}, enableTLSForSentinelMode: true } : {}),
  };
}

function readMany(text: string, defaultPort: number): ManyHosts | undefined {
  const [, tls, kind = '', userinfo = '', list, path = '', query = ''] = MANY_URL.exec(text) ?? [];
  const hosts = list?.split(',').map((each) => readHost(each, defaultPort));
  const login = readUserinfo(userinfo);
  const db = readDb(path);
  if (hosts === undefined || login === undefined || db === undefined) return undefined;
  if (!hosts.every((host) => host !== undefined)) return undefined;
  const parameters = new Map(new URLSearchParams(query));
  return { kind: kind.toLowerCase(), isTls: tls !== '', login, hosts, db, parameters };
}

function readHost(text: string, defaultPort: number): ManyHosts['hosts'][number] | undefined {
  // The parser of `redis://` has the same rules for hosts and ports.
  const url = URL.canParse(`redis://${text}`) ? new URL(`redis://${text}`) : undefined;
  if (url === undefined || url.hostname === '' || url.host.toLowerCase() !== text.toLowerCase()) {
    return undefined;
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return { host, port: url.port === '' ? defaultPort : Number(url.port) };
}

function readNetwork(text: string): RedisOptions | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['redis:', 'rediss:'].includes(url.protocol)) return undefined;
  const login = readLogin(url.username, url.password);
  const db = readDb(url.pathname.replace(/^\//, ''));
  const hasMore = url.search !== '' || url.hash !== '';
  if (login === undefined || db === undefined || hasMore) return undefined;
  const host = url.hostname.replace(/^\[|\]$/g, '') || 'localhost';
  const port = url.port === '' ? 6379 : Number(url.port);
  const network = { ...login, host, port, db };
  if (url.protocol === 'redis:') return network;
  // A server name must not be an IP address (RFC 6066).
  return { ...network, tls: isIP(host) === 0 ? { servername: host } : {} };
}

function readSocket(text: string): RedisOptions | undefined {
  const [, userinfo = '', rawPath, query = ''] = SOCKET_URL.exec(text) ?? [];
  if (rawPath === undefined) return undefined;
  const login = readUserinfo(userinfo);
  const path = decode(rawPath);
  const parameters = new URLSearchParams(query);
  const db = readDb(parameters.get('db') ?? '');
  const isKnown = [...parameters.keys()].every((name) => name === 'db');
  if (login === undefined || path === undefined || db === undefined || !isKnown) return undefined;
  return { ...login, path, db };
}

function readUserinfo(text: string): Login | undefined {
  const [, username = '', password = ''] = /^([^:]*):?(.*)$/.exec(text) ?? [];
  return readLogin(username, password);
}

function readLogin(rawUsername: string, rawPassword: string): Login | undefined {
  const username = decode(rawUsername);
  const password = decode(rawPassword);
  return username === undefined || password === undefined
    ? undefined
    : pickLogin(username, password);
}

/** A user without password is left out, as Redis would refuse it. */
function pickLogin(username: string, password: string): Login {
  if (password === '') return {};
  return username === '' ? { password } : { username, password };
}

function readDb(text: string): number | undefined {
  if (text === '') return 0;
  return /^\d{1,6}$/.test(text) ? Number(text) : undefined;
}

/** `undefined` for malformed percent signs. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
