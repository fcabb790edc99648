/** Lua scripts: read from `lua/` at first use, run by their SHA-1, loaded again when Redis does not know them. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { encodeCall, encodeHead, ScriptCommand, type ScriptHead } from './script-command.ts';

/** Every script: a file `lua/<name>.lua`, each with one caller. */
export type ScriptName =
  | 'adopt'
  | 'announce'
  | 'change-tasks'
  | 'close-group'
  | 'due-groups'
  | 'enqueue'
  | 'expire-completed'
  | 'expired-leases'
  | 'extend'
  | 'extend-groups'
  | 'forward'
  | 'get-task'
  | 'groups'
  | 'health-container'
  | 'health-figures'
  | 'health-groups'
  | 'health-hashes'
  | 'health-leases'
  | 'health-locks'
  | 'health-prune'
  | 'held-tasks'
  | 'history'
  | 'lead'
  | 'lease'
  | 'list-ids'
  | 'list-presence'
  | 'list-schedule'
  | 'live-entries'
  | 'local-servers'
  | 'mark-canceled'
  | 'note-enqueue'
  | 'pause'
  | 'queue-info'
  | 'read-group'
  | 'read-tasks'
  | 'reclaim-groups'
  | 'remove-queue'
  | 'replace-message'
  | 'reschedule'
  | 'rescue-groups'
  | 'set-aside'
  | 'settle'
  | 'stage'
  | 'stage-group'
  | 'sweep'
  | 'sweep-group'
  | 'sweep-leftovers'
  | 'trim-archive'
  | 'unleased'
  | 'unstage-group';

/** What a script takes beside its keys. Bytes go as they are. */
export type ScriptArgument = string | number | Uint8Array;

interface Script {
  readonly source: string;
  readonly sha1: string;
}

const folder = new URL('./lua/', import.meta.url);
const scripts = new Map<ScriptName, Script>();

/** Keys and first arguments that many calls of a script share: put into bytes once. */
export class ScriptStart {
  readonly keys: readonly string[];
  readonly args: readonly ScriptArgument[];
  readonly head: ScriptHead;

  constructor(name: ScriptName, keys: readonly string[], args: readonly ScriptArgument[]) {
    this.keys = keys;
    this.args = args;
    this.head = encodeHead('evalsha', loadScript(name).sha1, keys, args);
  }
}

/**
 * Runs a script and answers its reply with all strings as Buffers. Redis forgets scripts (restart, failover,
 * `SCRIPT FLUSH`): then it is sent in full, which loads it again. Not retried for any other error. `keys`: with the first
 * arguments where calls share them.
 */
export function runScript(
  redis: Redis,
  name: ScriptName,
  keys: readonly string[] | ScriptStart,
  args: readonly ScriptArgument[],
): Promise<unknown> {
  const start = keys instanceof ScriptStart ? keys : undefined;
  const head = start?.head ?? encodeHead('evalsha', loadScript(name).sha1, keysOf(keys));
  return send(redis, new ScriptCommand('evalsha', encodeCall(head, args))).catch(
    (error: unknown) => {
      if (!isNoScript(error)) throw error;
      const inFull = encodeHead('eval', loadScript(name).source, keysOf(keys), start?.args);
      return send(redis, new ScriptCommand('eval', encodeCall(inFull, args)));
    },
  );
}

/** Not an async function: every call passes here, and each wait more costs it. */
function send(redis: Redis, command: ScriptCommand): Promise<unknown> {
  const sent = redis.sendCommand(command);
  return sent instanceof Promise ? sent : Promise.resolve(sent);
}

function keysOf(keys: readonly string[] | ScriptStart): readonly string[] {
  return keys instanceof ScriptStart ? keys.keys : keys;
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

function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}
