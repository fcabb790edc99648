/** What was injected, by kind, and whether each kind had an effect: a chaos that hits nothing proves nothing. Pure. */
import type { Execution, History } from './history.ts';
import type { Injected } from './injector.ts';
import { BAD_TYPES } from './task-set.ts';

/** One kind. */
export interface Effect {
  readonly kind: string;
  readonly count: number;
  /** How many of them had an effect. */
  readonly effective: number;
  readonly unit: string;
  /** Of all together, in that unit. */
  readonly total: number;
}

const UNITS: Readonly<Record<string, string>> = {
  freeze: 'begun tasks hit',
  'half-open': 'bytes swallowed',
  'kill-child': 'begun tasks hit',
  'kill-supervisor': 'begun tasks hit',
  'kill-server': 'begun tasks hit',
  sigterm: 'begun tasks hit',
  'redis-restart': 'connections lost',
  failover: 'connections moved',
  cut: 'connections cut',
  'lost-reply': 'replies lost',
  latency: 'bytes delayed',
};

/** Events by kind, then handlers that misbehave, then the clock that is off. */
export function effectsOf(injected: readonly Injected[], history: History): Effect[] {
  const kinds = [...new Set(injected.map(({ kind }) => kind))].sort();
  return [
    ...kinds.map((kind) => {
      const events = injected.filter((event) => event.kind === kind);
      return {
        kind,
        count: events.length,
        effective: events.filter(({ effect }) => effect > 0).length,
        unit: UNITS[kind] ?? '',
        total: events.reduce((sum, { effect }) => sum + effect, 0),
      };
    }),
    ...BAD_TYPES.map((type) => {
      const runs = history.executions.filter((one) => one.type === type);
      const bad = runs.filter((one) => misbehaved(one)).length;
      const of = `of ${runs.length} executions`;
      return { kind: `handler: ${type}`, count: bad, effective: bad, unit: of, total: bad };
    }),
    clockEffect(history),
  ];
}

/** Kinds that were injected, or should have been, and did nothing. */
export function withoutEffect(effects: readonly Effect[]): string[] {
  return effects
    .filter(({ effective }) => effective === 0)
    .map(({ kind, count }) => `${kind} had no effect (${count} times)`);
}

/** A native call does not misbehave: it cannot be stopped, that is all. */
function misbehaved({ type, own }: Execution): boolean {
  return type === 'native' || (type !== 'native' && own?.how !== 'ok');
}

function clockEffect({ executions, processes }: History): Effect {
  const off = new Set(processes.filter(({ clockMs }) => clockMs !== 0).map(({ pid }) => pid));
  const total = executions.filter(({ pid }) => off.has(pid)).length;
  return { kind: 'clock', count: off.size, effective: total, unit: 'executions', total };
}
