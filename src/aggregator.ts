/** What modules that aggregate groups are written with; part of `threadmill/handler`. */
import type { TaskContext } from './handler.ts';
import type { Duration, EnqueueOptions, Headers, NewTask } from './task.ts';
import { hasBrand } from './verdicts.ts';

/** One task of a group as the aggregate function sees it. */
export interface GroupedTask<Payload = unknown> {
  readonly id: string;
  readonly type: string;
  /** The bytes as they were enqueued. */
  readonly payload: Uint8Array;
  readonly headers: Headers;
  /** The payload parsed as JSON; `undefined` when there is none. Throws on text that is not JSON. */
  json(): Payload;
}

/** The third argument of an aggregate function: what a handler's context has for stopping, signs of life and logs. */
export type AggregateContext = Pick<
  TaskContext,
  'signal' | 'canceled' | 'throwIfCanceled' | 'heartbeat' | 'log'
>;

/** The task that stands for a group from now on. It goes to the group's queue. */
export interface AggregatedTask<Payload = unknown> extends NewTask<Payload> {
  readonly options?: Omit<EnqueueOptions, 'queue'>;
}

/** What `defineAggregator` takes. */
export interface AggregatorOptions<Payload = unknown> {
  /** Name of the groups it aggregates: exact, or the beginning of their names; the longest match wins. `''` = all. */
  readonly group: string;
  /**
   * Makes one task of those of a group, which come in the order in which they joined it. `null` = they are deleted and
   * nothing comes of them. When it throws, or is stopped, they go back to their group and it is tried again later.
   */
  aggregate(
    group: string,
    tasks: readonly GroupedTask<Payload>[],
    ctx: AggregateContext,
  ): AggregatedTask | null | Promise<AggregatedTask | null>;
  /** Longest run time of one call. Default 30 minutes. */
  readonly timeout?: Duration;
  /** A call that does not use `ctx.heartbeat()` for so long counts as hung and is stopped. Over 0. Default: not asked for. */
  readonly heartbeat?: Duration;
  /** Its own time to end after a stop, instead of the server's `cancelGrace`. 0 = none. */
  readonly cancelGrace?: Duration;
}

const AGGREGATOR_BRAND = Symbol.for('threadmill.aggregator');

/** What `defineAggregator` returns; branded, so that two copies of the package recognise each other's. */
export interface AggregatorDefinition<Payload = unknown> extends AggregatorOptions<Payload> {
  readonly [brand: symbol]: true;
}

/** Declares what aggregates groups; make it the default export of a module among the handlers. */
export function defineAggregator<Payload = unknown>(
  options: AggregatorOptions<Payload>,
): AggregatorDefinition<Payload> {
  return Object.freeze({ ...options, [AGGREGATOR_BRAND]: true as const });
}

/** Whether a value was made by `defineAggregator`, of this or another copy of the package. */
export function isAggregatorDefinition(value: unknown): value is AggregatorDefinition {
  return hasBrand(value, AGGREGATOR_BRAND);
}
