/** Metrics of the scheduler of `threadmill serve`. */
import { Counter, type Registry } from 'prom-client';
import type { SchedulerEmitter } from '../scheduler/events.ts';

/** Registers the metrics; what the emitter tells from now on is counted. */
export function registerScheduleMetrics(
  registry: Registry,
  emitter: Pick<SchedulerEmitter, 'on'>,
): void {
  const counter = (name: string, help: string, labelNames: readonly string[] = []): Counter =>
    new Counter({ name, help, labelNames: [...labelNames], registers: [registry] });
  const ticks = counter(
    'threadmill_schedule_ticks_total',
    'Ticks of periodic tasks: enqueued, or skipped as a unique task of the kind was there or the task was refused.',
    ['result'],
  );
  const missed = counter(
    'threadmill_schedule_missed_total',
    'How often ticks of a periodic task were found to have been missed.',
  );
  const faults = counter(
    'threadmill_schedule_faults_total',
    'Failures of the scheduler in the background: of Redis, of a tick that is tried again, of the provider.',
  );
  emitter.on('enqueued', () => ticks.inc({ result: 'enqueued' }));
  emitter.on('skipped', () => ticks.inc({ result: 'skipped' }));
  emitter.on('missed', () => missed.inc());
  emitter.on('fault', () => faults.inc());
}
