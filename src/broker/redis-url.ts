/** The URL forms of a Redis address (protocol 19.1). */
import { isIP } from 'node:net';
import type { RedisOptions } from 'ioredis';
import { redactRedisUrl } from '../config/redact.ts';
import { InvalidOptionsError } from '../errors.ts';

const FORMS =
  'redis://[user:password@]host[:port][/db], rediss://… for TLS, redis-socket://[user:password@]/path[?db=n] or unix:///path[?db=n]';
const SENTINEL_HINT =
  'a URL of a single Redis; for Sentinel pass ioredis options ({ sentinels, name }) or an ioredis instance';
const UNSUPPORTED_SCHEMES = new Set([
  'redis-sentinel:',
  'redis+sentinel:',
  'rediss-sentinel:',
  'redis-cluster:',
]);

/** The forms without host, which `URL` cannot read: it wants a host where there is a login. */
const SOCKET_URL =
  /^(?:redis-socket|unix):(?:\/\/(?:([^/?#]*)@)?)?(\/(?!\/)[^?#]+)(?:\?([^#]*))?$/i;

/** Reads a Redis URL. Throws `InvalidOptionsError`, in which the URL appears without its user and password. */
export function parseRedisUrl(url: string): RedisOptions {
  const refuse = (accepts: string): InvalidOptionsError =>
    new InvalidOptionsError([{ name: 'redis', value: redactRedisUrl(url), accepts }]);
  if (UNSUPPORTED_SCHEMES.has(schemeOf(url))) throw refuse(SENTINEL_HINT);
  const options = readSocket(url) ?? readNetwork(url);
  if (options === undefined) throw refuse(FORMS);
  return options;
}

function schemeOf(url: string): string {
  return /^[a-z+-]+:/i.exec(url)?.[0].toLowerCase() ?? '';
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
  const [, username = '', password = ''] = /^([^:]*):?(.*)$/.exec(userinfo) ?? [];
  const login = readLogin(username, password);
  const path = decode(rawPath);
  const parameters = new URLSearchParams(query);
  const db = readDb(parameters.get('db') ?? '');
  const isKnown = [...parameters.keys()].every((name) => name === 'db');
  if (login === undefined || path === undefined || db === undefined || !isKnown) return undefined;
  return { ...login, path, db };
}

/** A user without password is left out, as Redis would refuse it. */
function readLogin(rawUsername: string, rawPassword: string): RedisOptions | undefined {
  const username = decode(rawUsername);
  const password = decode(rawPassword);
  if (username === undefined || password === undefined) return undefined;
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
