/** Lua scripts: read from `lua/` at first use, run by their SHA-1, loaded again when Redis does not know them. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';

/** Every script: a file `lua/<name>.lua`, each with one caller. */
export type ScriptName =
  | 'adopt'
  | 'announce'
  | 'enqueue'
  | 'expire-completed'
  | 'expired-leases'
  | 'extend'
  | 'forward'
  | 'get-task'
  | 'held-tasks'
  | 'lease'
  | 'list-presence'
  | 'local-servers'
  | 'mark-canceled'
  | 'queue-info'
  | 'settle'
  | 'unleased';

/** What a script takes beside its keys. Bytes go as they are. */
export type ScriptArgument = string | number | Uint8Array;

interface Script {
  readonly source: string;
  readonly sha1: string;
}

const folder = new URL('./lua/', import.meta.url);
const scripts = new Map<ScriptName, Script>();

/**
 * Runs a script and answers its reply with all strings as Buffers. Redis forgets scripts (restart, failover,
 * `SCRIPT FLUSH`): then it is sent in full, which loads it again. Not retried for any other error.
 */
export async function runScript(
  redis: Redis,
  name: ScriptName,
  keys: readonly string[],
  args: readonly ScriptArgument[],
): Promise<unknown> {
  const script = loadScript(name);
  const tail = [keys.length, ...keys, ...args.map(toWritable)];
  try {
    return await redis.callBuffer('EVALSHA', [script.sha1, ...tail]);
  } catch (error) {
    if (!isNoScript(error)) throw error;
    return await redis.callBuffer('EVAL', [script.source, ...tail]);
  }
}

/** The script's full text, with its shared parts in place, and its SHA-1. Read once. */
export function loadScript(name: ScriptName): Script {
  const known = scripts.get(name);
  if (known !== undefined) return known;
  const source = spliceIncludes(readLua(name));
  const script = { source, sha1: createHash('sha1').update(source).digest('hex') };
  scripts.set(name, script);
  return script;
}

/** Puts `lua/lib/<part>.lua` in place of each line `-- include: <part>`. */
function spliceIncludes(source: string): string {
  return source.replace(/^-- include: ([a-z-]+)$/gm, (_line, part: string) =>
    readLua(`lib/${part}`),
  );
}

function readLua(path: string): string {
  return readFileSync(new URL(`${path}.lua`, folder), 'utf8');
}

/** ioredis writes Buffers as they are, but turns any other Uint8Array into text. */
function toWritable(argument: ScriptArgument): string | number | Buffer {
  if (!(argument instanceof Uint8Array)) return argument;
  return Buffer.from(argument.buffer, argument.byteOffset, argument.byteLength);
}

function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}
