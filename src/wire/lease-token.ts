/**
 * The token by which a lease has an owner: server, run and expiry, beside the task in its hash. The expiry is the score
 * that the owner wrote last into `lease`, so a lease that somebody else wrote is told apart even by one who leaves the
 * token alone, as Go does.
 *
 *     token:   <server> <run> <expiry>
 *     server:  <uuid>[@<boot>.<pid namespace>.<pid>.<start>[.<parent pid>.<parent start>]]
 */

/** Where a process is, so that others on the same machine can see whether it lives. */
export interface ProcessPlace {
  /** The kernel's ID of this boot. */
  readonly boot: string;
  /** Number of the namespace in which the pids count. */
  readonly pidNamespace: string;
  readonly process: ProcessMark;
  /** Its supervisor, which settles its death itself. */
  readonly supervisor?: ProcessMark;
}

/** One process for good: a pid is given again, with another start. */
export interface ProcessMark {
  readonly pid: number;
  /** Clock ticks since the boot. */
  readonly start: string;
}

/** A server as its leases name it. */
export interface ServerName {
  readonly serverId: string;
  /** Absent where the system does not tell. */
  readonly place?: ProcessPlace;
}

/** A token in its parts. */
export interface LeaseToken {
  /** The server's name as it stands. */
  readonly server: string;
  readonly run: number;
  /** Unix seconds. */
  readonly expiry: number;
}

/** The server's name as text, without spaces. */
export function encodeServerName({ serverId, place }: ServerName): string {
  if (place === undefined) return serverId;
  const { boot, pidNamespace, process, supervisor } = place;
  const marks = supervisor === undefined ? [process] : [process, supervisor];
  const parts = [boot, pidNamespace, ...marks.flatMap(({ pid, start }) => [pid, start])];
  return `${serverId}@${parts.join('.')}`;
}

/** Reads a server's name; without place where that cannot be read whole: half of one could be taken for a dead process. */
export function decodeServerName(text: string): ServerName {
  const [serverId = '', rest = ''] = text.split('@');
  const place = decodePlace(rest);
  return place === undefined ? { serverId } : { serverId, place };
}

const MARK = String.raw`([1-9]\d{0,9})\.(\d{1,20})`;
const PLACE = new RegExp(String.raw`^([\w-]{1,64})\.(\d{1,20})\.${MARK}(?:\.${MARK})?$`);

function decodePlace(text: string): ProcessPlace | undefined {
  const [, boot, pidNamespace, pid, start, parentPid, parentStart] = PLACE.exec(text) ?? [];
  const process = toMark(pid, start);
  if (boot === undefined || pidNamespace === undefined || process === undefined) return undefined;
  const supervisor = toMark(parentPid, parentStart);
  return { boot, pidNamespace, process, ...(supervisor === undefined ? {} : { supervisor }) };
}

function toMark(pid: string | undefined, start: string | undefined): ProcessMark | undefined {
  return pid === undefined || start === undefined ? undefined : { pid: Number(pid), start };
}

/** Reads a token; `undefined` for what is none: the hash is open to everybody. */
export function decodeLeaseToken(text: string): LeaseToken | undefined {
  const [, server, run, expiry] = /^(\S{1,400}) (\d{1,10}) (\d{1,12})$/.exec(text) ?? [];
  if (server === undefined) return undefined;
  return { server, run: Number(run), expiry: Number(expiry) };
}
