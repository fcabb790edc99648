/** Looks at the fleet again and again, at a bounded cost: a large fleet is read in turns. */
import type { QueueInfo } from '../../broker/broker.ts';
import { QueueNotFoundError } from '../../errors.ts';
import type { InspectorMethods, ListedTask, ServerEntry } from '../../inspector/types.ts';
import type { FailureRow, QueueRow, Snapshot, WorkerRow } from './model.ts';
import { RateMeter } from './rates.ts';

/** What is asked. */
export type Inspected = Pick<InspectorMethods, 'queues' | 'queueInfo' | 'servers' | 'listTasks'>;

/** Queues whose figures are read in one look. The others keep theirs until it is their turn. */
const QUEUES_PER_LOOK = 25;
/** Queues whose failed tasks are read in one look: only those in which something has failed since. */
const FAILURE_LISTS_PER_LOOK = 3;
const PAGE = 20;
/** Failures that are kept of all queues. */
const MAX_FAILURES = 100;

interface Watched {
  row: QueueRow;
  readonly meter: RateMeter;
  /** What its failures depend on, when they were read last. */
  failuresOf: string;
  failures: readonly FailureRow[];
}

/** Keeps what it has read between the looks. */
export class Poller {
  readonly #inspector: Inspected;
  readonly #watched = new Map<string, Watched>();
  #turn = 0;

  constructor(inspector: Inspected) {
    this.#inspector = inspector;
  }

  /** One look. `first`: a queue that is read whosever turn it is. Rejects as the inspector does. */
  async look(first?: string): Promise<Snapshot> {
    const [names, servers] = await Promise.all([
      this.#inspector.queues(),
      this.#inspector.servers(),
    ]);
    for (const name of this.#watched.keys()) if (!names.includes(name)) this.#watched.delete(name);
    const infos = await Promise.all(this.#inTurn(names, first).map((name) => this.#info(name)));
    for (const info of infos) if (info !== undefined) this.#note(info);
    await this.#readFailures();
    const watched = names.flatMap((name) => this.#watched.get(name) ?? []);
    return {
      at: new Date(),
      queues: watched.map(({ row }) => row),
      servers: {
        count: servers.length,
        concurrency: servers.reduce((sum, { concurrency }) => sum + concurrency, 0),
        queues: [...new Set(servers.flatMap(({ queues }) => Object.keys(queues)))],
      },
      workers: workerRows(servers),
      failures: watched
        .flatMap(({ failures }) => failures)
        .sort((a, b) => b.failedAt.getTime() - a.failedAt.getTime())
        .slice(0, MAX_FAILURES),
    };
  }

  #inTurn(names: readonly string[], first: string | undefined): string[] {
    const turn = names.map((_, index) => names[(this.#turn + index) % names.length] ?? '');
    const some = turn.slice(0, QUEUES_PER_LOOK);
    this.#turn = names.length === 0 ? 0 : (this.#turn + some.length) % names.length;
    const isMissing = first !== undefined && names.includes(first) && !some.includes(first);
    return isMissing ? [...some, first] : some;
  }

  async #info(name: string): Promise<QueueInfo | undefined> {
    try {
      return await this.#inspector.queueInfo(name);
    } catch (error) {
      if (error instanceof QueueNotFoundError) return undefined; // removed meanwhile
      throw error;
    }
  }

  #note(info: QueueInfo): void {
    const before = this.#watched.get(info.queue);
    const meter = before?.meter ?? new RateMeter();
    const counters = { processed: info.processedTotal, failed: info.failedTotal };
    const rates = meter.read(counters, performance.now());
    const row = { ...info, processedPerSecond: rates.processed, failedPerSecond: rates.failed };
    const { failuresOf = '', failures = [] } = before ?? {};
    this.#watched.set(info.queue, { row, meter, failuresOf, failures });
  }

  async #readFailures(): Promise<void> {
    const changed = [...this.#watched.values()].filter(
      (watched) => watched.failuresOf !== fingerprint(watched.row),
    );
    await Promise.all(
      changed.slice(0, FAILURE_LISTS_PER_LOOK).map(async (watched) => {
        const { queue } = watched.row;
        watched.failuresOf = fingerprint(watched.row);
        try {
          const states = ['retry', 'archived'] as const;
          const lists = await Promise.all(states.map((state) => this.#newest(queue, state)));
          watched.failures = lists
            .flat()
            .sort((a, b) => b.failedAt.getTime() - a.failedAt.getTime());
        } catch (error) {
          if (!(error instanceof QueueNotFoundError)) throw error;
        }
      }),
    );
  }

  /**
   * The archive has its newest at its end. What waits for a retry is listed by when that is due: what has failed for the
   * first time stands early, what has failed often late.
   */
  async #newest(queue: string, state: 'retry' | 'archived'): Promise<FailureRow[]> {
    const first = await this.#inspector.listTasks({ queue, state, page: 1, size: PAGE });
    const last = Math.max(1, Math.ceil(first.total / PAGE));
    const pages = [...new Set([last - 1, last])].filter((page) => page > 1);
    const others = await Promise.all(
      pages.map((page) => this.#inspector.listTasks({ queue, state, page, size: PAGE })),
    );
    const tasks = [first, ...others].flatMap((page) => page.tasks);
    const byId = new Map(tasks.map((task) => [task.id, task]));
    return [...byId.values()].flatMap((task) => failureRow(task, state));
  }
}

/** Changes whenever a task has failed, or one that had has gone on. */
function fingerprint({ failedTotal, counts }: QueueRow): string {
  return `${failedTotal} ${counts.retry} ${counts.archived}`;
}

function failureRow(task: ListedTask, state: 'retry' | 'archived'): FailureRow[] {
  const { id, type, queue, lastError, lastFailedAt, retried, maxRetry } = task;
  // Somebody may have archived it who never ran it.
  if (lastFailedAt === undefined) return [];
  const error = lastError ?? '';
  return [{ taskId: id, type, queue, state, error, failedAt: lastFailedAt, retried, maxRetry }];
}

function workerRows(servers: readonly ServerEntry[]): WorkerRow[] {
  const rows = servers.flatMap(({ host, pid, workers }) =>
    workers.map(({ payload: _payload, ...worker }) => ({ ...worker, server: `${host}:${pid}` })),
  );
  return rows.sort((a, b) => a.startedAt.getTime() - b.startedAt.getTime());
}
