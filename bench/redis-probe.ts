/** A connection of the benchmark's own to its Redis, for what is read there beside the contenders. */
import { readdirSync } from 'node:fs';
import { Redis } from 'ioredis';
import { parseRedisUrl } from '../src/broker/redis-url.ts';
import { loadScript, type ScriptName } from '../src/broker/script.ts';

const LUA = new URL('../src/broker/lua/', import.meta.url);

/** Opens it. A lost connection is not made again: the figures would mean nothing. */
export function openProbe(url: string): Redis {
  return new Redis({ ...parseRedisUrl(url), replyMapping: 'legacy', retryStrategy: () => null });
}

/** CPU time of Redis since its start, of all its threads, in microseconds. */
export async function redisCpuMicros(redis: Redis): Promise<number> {
  const info = await redis.info('cpu');
  const seconds = ['used_cpu_user', 'used_cpu_sys'].map((name) => infoNumber(info, name));
  return seconds.reduce((sum, each) => sum + each, 0) * 1_000_000;
}

/** Bytes that Redis has allocated, without the buffers of its clients, which come and go. */
export async function redisMemory(redis: Redis): Promise<number> {
  const info = await redis.info('memory');
  return infoNumber(info, 'used_memory') - infoNumber(info, 'mem_clients_normal');
}

/** A figure out of a reply of `INFO`. */
function infoNumber(info: string, name: string): number {
  const text = new RegExp(`^${name}:([0-9.]+)`, 'm').exec(info)?.[1];
  if (text === undefined) throw new Error(`Redis does not tell ${name}`);
  return Number(text);
}

/** A call that held Redis for long. */
export interface SlowCall {
  readonly ms: number;
  /** The command, or the script of ours. */
  readonly command: string;
}

/** Calls below this are not looked at. */
const SLOW_MICROS = 300;
const SLOW_KEPT = 10_000;

/**
 * The longest of the calls that are made during `work`, as Redis's slow log has it: wall time inside Redis, that of a
 * preempted Redis included, without the reading from the socket and the writing to it. The settings of the log are put
 * back.
 */
export async function longestCall(redis: Redis, work: () => Promise<unknown>): Promise<SlowCall> {
  const names = ['slowlog-log-slower-than', 'slowlog-max-len'];
  const before = await Promise.all(names.map((name) => redis.config('GET', name)));
  await redis.config('SET', 'slowlog-max-len', SLOW_KEPT);
  await redis.config('SET', 'slowlog-log-slower-than', SLOW_MICROS);
  await redis.slowlog('RESET');
  try {
    await work();
    return longestOf(await redis.slowlog('GET', SLOW_KEPT));
  } finally {
    for (const [name, value] of before.map(pairOf)) await redis.config('SET', name, value);
  }
}

function longestOf(entries: unknown): SlowCall {
  let longest: SlowCall = { ms: SLOW_MICROS / 1_000, command: 'none above' };
  for (const entry of Array.isArray(entries) ? entries : []) {
    const [, , micros, args] = entry as [number, number, number, string[]];
    const ms = micros / 1_000;
    if (ms > longest.ms) longest = { ms, command: nameOf(args) };
  }
  return longest;
}

const scripts = new Map<string, string>();

function nameOf([command = '', sha1 = '']: readonly string[]): string {
  if (scripts.size === 0) {
    const files = readdirSync(LUA).filter((file) => file.endsWith('.lua'));
    for (const name of files.map((file) => file.slice(0, -'.lua'.length)))
      scripts.set(loadScript(name as ScriptName).sha1, name);
  }
  return scripts.get(sha1) ?? command;
}

function pairOf(reply: unknown): [string, string] {
  const [name, value] = Array.isArray(reply) ? reply : [];
  return [String(name), String(value)];
}
