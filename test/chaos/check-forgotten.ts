/**
 * Finds leased tasks that nobody runs although their server is well: what is left of a lease whose reply was lost. Looks
 * at Redis were taken again and again while the run went on. Pure.
 */
import type { FleetProcess } from './history.ts';
import type { Snapshot } from './snapshot.ts';

/** A server extends each fifth of a lease (2 s here), and looks for what it does not run about as often. */
const FORGOTTEN_MS = 7_000;

/** When servers were not well: by name, or all of them. */
export interface Trouble {
  readonly server: string | undefined;
  readonly fromMs: number;
  readonly toMs: number;
}

interface Seen {
  readonly token: string;
  readonly sinceMs: number;
}

/** One sentence for each task whose lease stood unchanged, and not begun, for longer than a healthy server leaves it. */
export function forgotten(
  looks: readonly Snapshot[],
  processes: readonly FleetProcess[],
  troubles: readonly Trouble[],
): string[] {
  const pids = new Map(looks.flatMap(({ servers }) => servers.map(pidByUuid)));
  const seen = new Map<string, Seen>();
  const found = new Map<string, string>();
  for (const { atMs, queues } of looks) {
    const now = new Map<string, Seen>();
    for (const { places, hashes } of queues) {
      for (const id of places.active) {
        const { lease = '', begun = '' } = hashes[id] ?? {};
        if (lease === '' || begun !== '') continue;
        const before = seen.get(id);
        const entry = before?.token === lease ? before : { token: lease, sinceMs: atMs };
        now.set(id, entry);
        const owner = ownerOf(lease, pids, processes);
        if (atMs - entry.sinceMs < FORGOTTEN_MS || owner === undefined) continue;
        if (!isWell(owner, troubles, entry.sinceMs, atMs)) continue;
        const seconds = Math.round((atMs - entry.sinceMs) / 1_000);
        found.set(id, `${id} was leased by ${owner.server} and left for ${seconds} s`);
      }
    }
    seen.clear();
    for (const [id, entry] of now) seen.set(id, entry);
  }
  return [...found.values()];
}

/** `host:pid:uuid`; a host's name holds no colon. */
function pidByUuid(address: string): [string, number] {
  const [, pid = '', uuid = ''] = address.split(':');
  return [uuid, Number(pid)];
}

const UUID_CHARS = 36;

function ownerOf(
  lease: string,
  pids: ReadonlyMap<string, number>,
  processes: readonly FleetProcess[],
): FleetProcess | undefined {
  const pid = pids.get(lease.slice(0, UUID_CHARS));
  return processes.find((one) => one.pid === pid);
}

function isWell(
  { server, goneAt }: FleetProcess,
  troubles: readonly Trouble[],
  fromMs: number,
  toMs: number,
): boolean {
  if (goneAt !== undefined && goneAt <= toMs) return false;
  return !troubles.some(
    (trouble) =>
      (trouble.server === undefined || trouble.server === server) &&
      trouble.fromMs <= toMs &&
      trouble.toMs >= fromMs,
  );
}
