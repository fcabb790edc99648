/**
 * Recovers the tasks of servers of this machine whose process has ended, without waiting for their leases. That a process has
 * ended is certain when its token names this boot and this pid namespace, and no process of that pid and start is there.
 * The list of servers only says where to look. A child of a living supervisor is left to it, which knows more.
 */
import type { Broker } from '../broker/broker.ts';
import type { ProcessPlace } from '../wire/lease-token.ts';
import { decodeServerName } from '../wire/lease-token.ts';
import { every } from './every.ts';
import type { ServerEmitter } from './emitter.ts';
import { hasEnded, isRunning, isSameSystem } from './process-place.ts';
import { announceRecovery, planRecovery, type RecoveryRules } from './recover-tasks.ts';
import type { Service } from './service.ts';

/** What it works with. */
export interface DeadServersOptions extends RecoveryRules {
  readonly broker: Pick<Broker, 'localServers' | 'heldTasks' | 'settle'>;
  readonly queues: readonly string[];
  readonly host: string;
  /** Of this process; without it nothing is known of others. */
  readonly place: ProcessPlace | undefined;
  readonly intervalMs: number;
  readonly emitter: ServerEmitter;
}

/** The service that recovers them. */
export function deadServers(options: DeadServersOptions): Service {
  const { place, intervalMs, emitter } = options;
  const cleared = new Set<string>();
  return every({
    name: 'dead servers',
    intervalMs,
    run: async () => {
      if (place !== undefined) await recoverAll(options, place, cleared);
    },
    onFault: (where, error) => emitter.fault(where, error),
  });
}

/** `cleared`: servers known to be gone whose tasks were recovered; kept while they are listed. */
async function recoverAll(
  options: DeadServersOptions,
  place: ProcessPlace,
  cleared: Set<string>,
): Promise<void> {
  const listed = await options.broker.localServers(options.host);
  for (const address of cleared) if (!listed.includes(address)) cleared.delete(address);
  for (const address of listed) {
    if (cleared.has(address) || !mayBeGone(address)) continue;
    const perQueue = options.queues.map((queue) =>
      recoverHeld(options, place, queue, serverIdOf(address)),
    );
    const areClear = await Promise.all(perQueue);
    if (areClear.every(Boolean)) cleared.add(address);
  }
}

/** `host:pid:uuid`, and the host may hold colons. */
function serverIdOf(address: string): string {
  return address.slice(address.lastIndexOf(':') + 1);
}

/** Only a hint, by the pid on a host of this name: the token decides. */
function mayBeGone(address: string): boolean {
  const pid = Number(address.split(':').at(-2));
  return Number.isInteger(pid) && pid > 0 && pid !== process.pid && !isRunning(pid);
}

async function recoverHeld(
  options: DeadServersOptions,
  place: ProcessPlace,
  queue: string,
  serverId: string,
): Promise<boolean> {
  const held = await options.broker.heldTasks(queue, serverId);
  const lost = held.filter(({ server }) => isGone(place, server));
  const [first] = lost;
  if (first === undefined) return held.length === 0;
  const plans = lost.map((task) => planRecovery(options, queue, task));
  const replies = await options.broker.settle({
    queue,
    server: first.server, // one process, hence one name
    settlements: plans.map(({ settlement, attempt }, index) => {
      return { run: lost[index]?.run ?? 0, settlement, ...(attempt && { attempt }) };
    }),
  });
  plans.forEach((plan, index) => {
    if (replies[index] === 'settled') announceRecovery(options.emitter, plan);
  });
  return true;
}

function isGone(own: ProcessPlace, server: string): boolean {
  const { place } = decodeServerName(server);
  if (place === undefined || !isSameSystem(own, place) || !hasEnded(place.process)) return false;
  return place.supervisor === undefined || hasEnded(place.supervisor);
}
