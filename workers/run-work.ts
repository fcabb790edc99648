/** What is done in a run: its module is loaded, its payload validated, its handler or aggregate function called. */
import type { HandlerDefinition, Middleware } from '../src/handler.ts';
import type { GroupParcel, TaskOutcome, ThreadSettings } from '../src/threads/messages.ts';
import type { PlacedEnvelope } from '../src/threads/task-batch.ts';
import type { EnqueueCalls } from './enqueue-calls.ts';
import { loadAggregator, loadedHandler, loadHandler, loadMiddleware } from './handler-loader.ts';
import type { Outbox } from './outbox.ts';
import { aggregateGroup } from './run-aggregate.ts';
import {
  encodeResult,
  isPlain,
  runThrough,
  validatePayload,
  validateResult,
} from './run-handler.ts';
import { type ContextTools, RunContext } from './task-context.ts';
import type { ThreadRun } from './thread-run.ts';

/** What the work of all runs of a thread is done with. */
export interface RunWorkOptions {
  readonly settings: ThreadSettings;
  readonly outbox: Outbox;
  readonly calls: EnqueueCalls;
  /** Counts a sign of life of the run in this place. */
  beat(place: number): void;
}

/** What came of a run that returned. */
type Returned = Pick<Extract<TaskOutcome, { kind: 'returned' }>, 'result' | 'task'>;

/** One per thread. */
export class RunWork {
  readonly #options: RunWorkOptions;
  readonly #tools: ContextTools;

  constructor(options: RunWorkOptions) {
    this.#options = options;
    this.#tools = { ...options, maxResultSize: options.settings.maxResultSize };
  }

  /**
   * The handler of a run that needs nothing round it: no schema, no middleware, no result. Most runs are so, and each
   * promise that is saved counts there: those of a run's context cost several times the plain ones.
   */
  plainHandler({ handler, keepsResult, group }: PlacedEnvelope): HandlerDefinition | undefined {
    if (keepsResult || group !== undefined || this.#options.settings.middleware.length > 0)
      return undefined;
    const definition = loadedHandler(handler.url);
    return definition !== undefined && isPlain(definition) ? definition : undefined;
  }

  /** Does the work of a run: load, validate, run. Rejects with whatever it throws. */
  async perform(run: ThreadRun): Promise<Returned> {
    const { group } = run.envelope;
    if (group !== undefined) return this.#aggregate(run, group);
    const result = await this.#handle(run);
    return result === undefined ? {} : { result };
  }

  /** No middleware runs round it: that is written for tasks. */
  async #aggregate(run: ThreadRun, group: GroupParcel): Promise<Returned> {
    const { handler } = run.envelope;
    const { payload } = run.task;
    const { aggregator } = await loadAggregator(handler.url);
    const { ctx } = this.makeContext(run);
    ctx.throwIfCanceled();
    const task = await aggregateGroup(aggregator, { group, payload }, ctx);
    return task === undefined || run.isOver ? {} : { task };
  }

  /** Load, validate, run; answers the encoded result when one is to be kept. */
  async #handle(run: ThreadRun): Promise<Uint8Array | undefined> {
    const { envelope, task } = run;
    const { definition } = await loadHandler(envelope.handler.url);
    run.definition = definition;
    await validatePayload(definition, task);
    const context = this.makeContext(run);
    const { ctx } = context;
    const middleware = await this.#middleware(definition.middleware);
    // A run that was stopped while its module loaded never reaches its handler (protocol 16.5).
    ctx.throwIfCanceled();
    const returned = await runThrough(middleware, definition, task, ctx);
    if (!envelope.keepsResult || run.isOver) return undefined;
    if (context.result !== undefined) return context.result;
    const checked = await validateResult(definition, task.type, returned);
    return encodeResult(checked, this.#options.settings.maxResultSize);
  }

  /** The context of the run's code. */
  makeContext(run: ThreadRun): RunContext {
    return new RunContext(run, this.#tools);
  }

  async #middleware(own: readonly Middleware[] = []): Promise<readonly Middleware[]> {
    const { middleware } = this.#options.settings;
    if (middleware.length === 0) return own;
    return [...(await Promise.all(middleware.map(loadMiddleware))), ...own];
  }
}
