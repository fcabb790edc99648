/** Metrics of the fleet of child processes, which only their supervisor knows. */
import { Counter, Gauge, type Registry } from 'prom-client';

/** Why a child's place was filled anew. */
export type RestartCause =
  | 'died'
  | 'stuck'
  | 'ended'
  | 'recycled_tasks'
  | 'recycled_rss'
  | 'recycled_age';

/** Counts what happens to children. */
export interface FleetMetrics {
  restarted(cause: RestartCause): void;
  killed(reason: 'stuck' | 'shutdown'): void;
  isolated(): void;
}

/** Registers the metrics. `children` answers how many live, and how many of them are ready. */
export function registerFleetMetrics(
  registry: Registry,
  children: () => { readonly total: number; readonly ready: number },
): FleetMetrics {
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  };
  gauge('threadmill_children', 'Child processes that live.', () => children().total);
  gauge('threadmill_children_ready', 'Child processes that run tasks.', () => children().ready);
  const restarts = new Counter({
    name: 'threadmill_children_restarts_total',
    help: 'Child processes that took the place of another, by why that was needed.',
    labelNames: ['cause'],
    registers,
  });
  const kills = new Counter({
    name: 'threadmill_children_killed_total',
    help: 'Child processes that were killed, by reason.',
    labelNames: ['reason'],
    registers,
  });
  const isolated = new Counter({
    name: 'threadmill_children_isolated_total',
    help: 'Suspects that were given a child process of their own.',
    registers,
  });
  return {
    restarted: (cause) => restarts.inc({ cause }),
    killed: (reason) => kills.inc({ reason }),
    isolated: () => isolated.inc(),
  };
}
