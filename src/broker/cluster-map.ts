/** Who serves which slot of a Redis Cluster, as its servers tell it. */
import { Command, type NatMap } from 'ioredis';
import { toList, toNumber, toText } from './reply.ts';

/** Servers by `host:port`. */
export interface ClusterMap {
  /** The master of each slot. */
  readonly owners: readonly (string | undefined)[];
  /** Masters that have slots, and their replicas. */
  readonly servers: readonly string[];
}

/** Where to send a command instead. `ask`: this command only, as the slot is being moved. */
export interface Redirect {
  readonly kind: 'moved' | 'ask';
  readonly slot: number;
  readonly server: string;
}

/** The slot of a key: that of its hash tag. */
export function slotOf(key: string): number {
  return new Command('get', [key]).getSlot() ?? 0;
}

/** Reads the reply to `CLUSTER SLOTS` of the server `asked`. */
export function readClusterMap(reply: unknown, asked: string, natMap?: NatMap): ClusterMap {
  const owners: (string | undefined)[] = [];
  const servers = new Set<string>();
  for (const range of toList(reply)) {
    const [first, last, ...nodes] = toList(range);
    const names = nodes.map((node) => readServer(toList(node), asked, natMap));
    for (const name of names) servers.add(name);
    for (let slot = toNumber(first); slot <= toNumber(last); slot++) owners[slot] = names[0];
  }
  return { owners, servers: [...servers] };
}

/** Reads the text of an error reply. */
export function readRedirect(text: string, asked: string, natMap?: NatMap): Redirect | undefined {
  const [, kind, slot, host = '', port = ''] =
    /^(MOVED|ASK) (\d{1,5}) (\S*):(\d{1,5})/.exec(text) ?? [];
  if (kind === undefined) return undefined;
  const server = readServer([host, port], asked, natMap);
  return { kind: kind === 'MOVED' ? 'moved' : 'ask', slot: Number(slot), server };
}

/** `host:port` apart; the host may be an IPv6 address. */
export function splitServer(name: string): { host: string; port: number } {
  const colon = name.lastIndexOf(':');
  return { host: name.slice(0, colon), port: Number(name.slice(colon + 1)) };
}

/** A server that does not know its own host leaves it out, or sends `?`: it is where it was asked. */
function readServer([host, port]: readonly unknown[], asked: string, natMap?: NatMap): string {
  const told = host === null || host === undefined ? '' : toText(host);
  const known = told === '' || told === '?' ? splitServer(asked).host : told;
  const name = `${known}:${toNumber(port)}`;
  const mapped = typeof natMap === 'function' ? natMap(name) : natMap?.[name];
  return mapped === null || mapped === undefined ? name : `${mapped.host}:${mapped.port}`;
}
