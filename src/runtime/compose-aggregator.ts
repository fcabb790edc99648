/** Puts the parts together that aggregate groups. */
import { randomUUID } from 'node:crypto';
import type { Broker } from '../broker/broker.ts';
import type { Clock } from '../clock.ts';
import type { ServerSettings } from '../config.ts';
import { type PreparedTask, prepareEnqueue } from '../policy/enqueue-options.ts';
import type { EnqueueItem } from '../threads/messages.ts';
import type { Registry } from '../threads/registry.ts';
import type { ActiveTasks } from './active-tasks.ts';
import { type AggregationRunOptions, runAggregation } from './aggregation-run.ts';
import { Aggregator } from './aggregator.ts';
import type { ServerEmitter } from './emitter.ts';
import { every } from './every.ts';
import { GroupUpkeep } from './group-upkeep.ts';
import type { Service } from './service.ts';
import { STALE_SECONDS, StagedSets } from './staged-sets.ts';

/** What aggregation works with. */
export interface AggregationOptions extends AggregationRunOptions {
  readonly settings: ServerSettings;
  readonly broker: Broker;
  readonly aggregators: Registry;
  readonly active: ActiveTasks;
  readonly emitter: ServerEmitter;
  readonly clock: Clock;
  isHeld(): boolean;
  onStored(): void;
}

/** The parts, each for its place among the services. */
export interface Aggregation {
  /** Begins aggregations; to be stopped as soon as nothing new is to begin. */
  readonly intake: readonly Service[];
  /** Ends them: to be stopped after the threads. */
  readonly sets: readonly Service[];
  readonly upkeep: Service;
}

/** Extensions are tried so often before a set goes stale. */
const EXTENSIONS = 6;

/** Builds all parts; starts none. Without any aggregator there is nothing but the upkeep. */
export function composeAggregation(options: AggregationOptions): Aggregation {
  const { settings, broker, aggregators, emitter, clock } = options;
  const queues = Object.keys(settings.queues);
  const upkeep = new GroupUpkeep({
    broker,
    queues,
    emitter,
    clock,
    intervalMs: settings.recoverIntervalMs,
  });
  if (aggregators.patterns.length === 0) return { intake: [], sets: [], upkeep };
  const sets = new StagedSets({ broker, emitter, clock });
  const aggregator = new Aggregator({
    ...options,
    sets,
    queues,
    rules: settings.groups,
    concurrency: settings.concurrency,
    newId: randomUUID,
    run: (report, held, messages) => {
      upkeep.remember(held.set.queue, held.set.group);
      return runAggregation(options, report, held, messages);
    },
    prepare: (item, queue) => prepare(item, queue, settings.maxPayloadSize),
  });
  return { intake: [aggregator], sets: [keeper(sets, aggregator, emitter)], upkeep };
}

/** Keeps the sets while there are any, and waits for the last of them. */
function keeper(sets: StagedSets, aggregator: Aggregator, emitter: ServerEmitter): Service {
  const loop = every({
    name: 'staged sets',
    intervalMs: (STALE_SECONDS * 1_000) / EXTENSIONS,
    run: () => sets.extend(),
    onFault: (where, error) => emitter.fault(where, error),
  });
  return {
    name: loop.name,
    start: () => loop.start(),
    async stop() {
      await loop.stop();
      await aggregator.finished();
    },
  };
}

/** The queue is the group's, whatever the function said (protocol 11.5). */
function prepare(
  { options, ...task }: EnqueueItem,
  queue: string,
  maxPayloadSize: number,
): PreparedTask {
  return prepareEnqueue(task, { ...options, queue }, { newId: randomUUID, maxPayloadSize });
}
