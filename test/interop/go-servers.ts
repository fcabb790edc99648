/** Servers as Go's inspector shows them. */
import type { Peer } from './peer.ts';

/** A server as Go's inspector shows it. */
export interface GoServerInfo {
  readonly ID: string;
  readonly Host: string;
  readonly PID: number;
  readonly Concurrency: number;
  readonly Queues: Readonly<Record<string, number>>;
  readonly StrictPriority: boolean;
  readonly Started: string;
  readonly Status: string;
  readonly ActiveWorkers: readonly {
    readonly TaskID: string;
    readonly TaskType: string;
    readonly TaskPayload: string | null;
    readonly Queue: string;
    readonly Started: string;
    readonly Deadline: string;
  }[];
}

/** The server that serves this queue. */
export async function goServerOf(peer: Peer, queue: string): Promise<GoServerInfo | undefined> {
  const all = (await peer.inspect('servers')) as GoServerInfo[] | null;
  return all?.find(({ Queues }) => queue in Queues); // Go writes an empty list as null
}
