/** The same steps by either side: making tasks in each state, and steering them. */
import { after } from 'node:test';
import { Inspector } from '../../src/inspector/inspector.ts';
import type { BulkResult, TaskSelection } from '../../src/inspector/types.ts';
import type { Stage } from './stage.ts';
import { enqueueBy } from './both-sides.ts';
import type { GoOptions, GoVersion, Peer } from './peer.ts';
import { until } from '../helpers/server.ts';

/** Who does something. */
export type Side = 'Go' | 'Threadmill';

/** States in which a task waits or is kept. */
export type RestingState =
  | 'pending'
  | 'scheduled'
  | 'retry'
  | 'archived'
  | 'completed'
  | 'aggregating';

/** Tasks in each state are made this way: enqueued so, and run once where that is needed. */
const WAYS: Readonly<Record<RestingState, { type: string; options: GoOptions; isRun: boolean }>> = {
  pending: { type: 'ok', options: {}, isRun: false },
  scheduled: { type: 'ok', options: { processIn: 3_600_000 }, isRun: false },
  retry: { type: 'fail', options: { maxRetry: 5 }, isRun: true },
  archived: { type: 'fail', options: { maxRetry: 0 }, isRun: true },
  completed: { type: 'ok', options: { retention: 3_600_000 }, isRun: true },
  aggregating: { type: 'ok', options: { group: 'g' }, isRun: false },
};

/** A side's client and server on one stage. */
export class Producer {
  readonly #stage: Stage;
  readonly #side: Side;
  readonly #peer: Peer | undefined;

  constructor(stage: Stage, side: Side, version: GoVersion = '0.26.0') {
    this.#stage = stage;
    this.#side = side;
    this.#peer = side === 'Go' ? stage.peer(version) : undefined;
  }

  /** Leaves tasks in this state in the queue, made by this side's client and, where they must run, its server. */
  async make(
    queue: string,
    state: RestingState,
    { count = 1, options = {} }: { count?: number; options?: GoOptions } = {},
  ): Promise<string[]> {
    const way = WAYS[state];
    const ids: string[] = [];
    for (let index = 0; index < count; index += 1) {
      const task = {
        type: way.type,
        payload: `${state} ${index}`,
        options: { ...way.options, ...options, queue, taskId: `${queue}-${state}-${index}` },
      };
      ids.push(await enqueueBy(this.#peer ?? this.#stage, task));
    }
    if (way.isRun) await this.#run(queue, ids, state);
    return ids;
  }

  /** Lets a server of this side work on the queue until these tasks have come to that state, then ends it. */
  async #run(queue: string, ids: readonly string[], state: RestingState): Promise<void> {
    const hasCome = async (): Promise<boolean> => {
      const states = await Promise.all(
        ids.map(async (id) => (await this.#stage.client.getTask({ queue, id }))?.state),
      );
      return states.every((each) => each === state);
    };
    if (this.#side === 'Go') {
      const server = this.#stage.peer(this.#peer?.version);
      await server.serve({ queues: { [queue]: 1 }, retryDelay: 3_600_000 });
      await until(hasCome);
      await server.call('shutdown');
    } else {
      const server = await this.#stage.server([queue], { retryDelay: () => 3_600_000 });
      await until(hasCome);
      await server.shutdown();
    }
  }
}

/** Whoever steers tasks: asynq's command line, an inspector of Go's of some version, or ours. */
export interface Steerer {
  readonly name: string;
  readonly version: string;
  /** Refuses to pause what is paused, and to resume what is not. */
  readonly isStrict: boolean;
  pause(queue: string): Promise<void>;
  resume(queue: string): Promise<void>;
  run(queue: string, id: string): Promise<void>;
  archive(queue: string, id: string): Promise<void>;
  delete(queue: string, id: string): Promise<void>;
  runAll(queue: string, state: RestingState): Promise<void>;
  archiveAll(queue: string, state: RestingState): Promise<void>;
  deleteAll(queue: string, state: RestingState): Promise<void>;
  /** asynq's tools ask for no queue. */
  cancel(queue: string, id: string): Promise<void>;
  removeQueue(queue: string, isForced: boolean): Promise<void>;
}

/** asynq's command line. Its commands end with 0 also when they fail, and say so on a line. */
export function commandLine(stage: Stage): Steerer {
  const run = async (...words: string[]): Promise<void> => {
    const { code, stdout, stderr } = await stage.cli(...words);
    const said = `${stdout}${stderr}`;
    if (code !== 0 || /error|failed|could not|cannot/i.test(said)) throw new Error(said.trim());
  };
  const group = (state: RestingState): string[] =>
    state === 'aggregating' ? ['--group', 'g'] : [];
  const task = (verb: string) => (queue: string, id: string) =>
    run('task', verb, '--queue', queue, '--id', id);
  const all = (verb: string) => (queue: string, state: RestingState) =>
    run('task', verb, '--queue', queue, '--state', state, ...group(state));
  return {
    name: "asynq's command line",
    version: 'CLI',
    isStrict: true,
    pause: (queue) => run('queue', 'pause', queue),
    resume: (queue) => run('queue', 'resume', queue),
    run: task('run'),
    archive: task('archive'),
    delete: task('delete'),
    runAll: all('runall'),
    archiveAll: all('archiveall'),
    deleteAll: all('deleteall'),
    cancel: (_queue, id) => run('task', 'cancel', id),
    removeQueue: (queue, isForced) =>
      run('queue', 'remove', queue, ...(isForced ? ['--force'] : [])),
  };
}

/** Go's inspector: that of 0.24.1 is the one that asynqmon is made with. */
export function goInspector(stage: Stage, version: GoVersion): Steerer {
  const peer = stage.peer(version);
  const inspect = async (what: string, fields: object): Promise<void> => {
    await peer.inspect(what, fields);
  };
  return {
    name: version === '0.24.1' ? "asynqmon's inspector" : "Go's inspector",
    version,
    isStrict: true,
    pause: (queue) => inspect('pause', { queue }),
    resume: (queue) => inspect('resume', { queue }),
    run: (queue, id) => inspect('run', { queue, id }),
    archive: (queue, id) => inspect('archive', { queue, id }),
    delete: (queue, id) => inspect('delete', { queue, id }),
    runAll: (queue, state) => inspect('run all', { queue, state, group: 'g' }),
    archiveAll: (queue, state) => inspect('archive all', { queue, state, group: 'g' }),
    deleteAll: (queue, state) => inspect('delete all', { queue, state, group: 'g' }),
    cancel: (_queue, id) => inspect('cancel', { id }),
    removeQueue: (queue, force) => inspect('remove queue', { queue, force }),
  };
}

/** Our inspector. */
export function ourInspector(stage: Stage): Steerer {
  const inspector = new Inspector({ redis: stage.url, connectTimeout: 30_000 });
  after(() => inspector.close());
  const all = (queue: string, state: RestingState): TaskSelection => ({
    queue,
    state,
    ...(state === 'aggregating' ? { group: 'g' } : {}),
  });
  const done = async (result: Promise<BulkResult>): Promise<void> => {
    const { failures, isStopped } = await result;
    if (failures.length > 0 || isStopped) throw new Error(JSON.stringify(failures));
  };
  return {
    name: "Threadmill's inspector",
    version: '0.26.0',
    isStrict: false,
    pause: (queue) => inspector.pause(queue),
    resume: (queue) => inspector.resume(queue),
    run: (queue, id) => done(inspector.run({ queue, id })),
    archive: (queue, id) => done(inspector.archive({ queue, id })),
    delete: (queue, id) => done(inspector.delete({ queue, id })),
    runAll: (queue, state) => done(inspector.run(all(queue, state))),
    archiveAll: (queue, state) => done(inspector.archive(all(queue, state))),
    deleteAll: (queue, state) => done(inspector.delete(all(queue, state))),
    cancel: (queue, id) => done(inspector.cancel({ queue, ids: [id] })),
    removeQueue: async (queue, force) => {
      await inspector.removeQueue(queue, { force });
    },
  };
}
