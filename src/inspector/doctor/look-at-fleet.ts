/** Looks at who says that he is there: servers and schedulers, and for which queues. */
import type { ListedPresence, PresenceList } from '../../broker/broker.ts';
import {
  isDead,
  judgeDead,
  judgeHidden,
  judgeServed,
  judgeServerClocks,
} from '../../policy/doctor/judge-fleet.ts';
import type { Looking } from './looking.ts';

/** What else wants to know of the fleet. */
export interface FleetFacts {
  /** Addresses of the servers that live. */
  readonly servers: readonly string[];
  /** Queues that they serve; `undefined` when that could not be looked at. */
  readonly served: ReadonlySet<string> | undefined;
}

/** Notes findings on the fleet. */
export async function lookAtFleet(looking: Looking): Promise<FleetFacts> {
  const { health } = looking.broker;
  looking.step({ step: 'fleet', seen: 0 });
  let facts: FleetFacts = { servers: [], served: undefined };
  await looking.attempt(['dead-servers', 'hidden-servers', 'server-clocks'], async () => {
    const entries = await health.presence();
    const removed = looking.mends ? await removeDead(looking, entries) : 0;
    looking.findings.push(judgeDead(entries, removed));
    looking.findings.push(judgeHidden(entries), judgeServerClocks(entries));
    const servers = entries
      .filter(({ list, leftMs }) => list === 'servers' && leftMs !== undefined)
      .map(({ address }) => address);
    const queues = await Promise.all(servers.map((address) => health.servedQueues(address)));
    facts = { servers, served: new Set(queues.flatMap((each) => each ?? [])) };
  });
  return facts;
}

async function removeDead(looking: Looking, entries: readonly ListedPresence[]): Promise<number> {
  const lists = new Set<PresenceList>(entries.filter(isDead).map(({ list }) => list));
  const removed = await Promise.all(
    [...lists].map((list) => looking.broker.health.prunePresence(list)),
  );
  return removed.reduce((sum, count) => sum + count, 0);
}

/** Notes which queues have tasks to run and no server. */
export function noteServed(
  { findings }: Looking,
  waiting: ReadonlyMap<string, number>,
  { served }: FleetFacts,
): void {
  if (served !== undefined) findings.push(...judgeServed(waiting, served));
}
