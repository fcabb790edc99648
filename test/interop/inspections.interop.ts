/** Point 5: what our inspector reads of Go's data, compared with what Go's own reads. */
import assert from 'node:assert/strict';
import { after } from 'node:test';
import { queueKeys } from '../../src/wire/keys.ts';
import { Inspector } from '../../src/inspector/inspector.ts';
import type { ListedTask } from '../../src/inspector/types.ts';
import { until } from '../helpers/server.ts';
import { Producer, type RestingState } from './act.ts';
import { goServerOf } from './go-servers.ts';
import type { GoTaskInfo, GoVersion } from './peer.ts';
import type { Stage } from './stage.ts';
import { point, walk } from './walk.ts';

const VERSIONS: readonly GoVersion[] = ['0.26.0', '0.24.1'];
const STATES: readonly RestingState[] = [
  'pending',
  'scheduled',
  'retry',
  'archived',
  'completed',
  'aggregating',
];

await walk(
  'inspections',
  (stage) => {
    for (const version of VERSIONS) {
      for (const state of STATES) {
        point(
          stage,
          {
            point: 5,
            direction: 'Threadmill on Go',
            version,
            what: 'our inspector reads what its own does',
          },
          `our inspector reads Go's ${state} tasks as its own does`,
          () => readsTheSame(stage, version, state),
        );
      }
    }
    point(
      stage,
      { point: 5, direction: 'Threadmill on Go', version: '0.26.0' },
      'our inspector reads a Go server, its worker, figures and history as its own does',
      () => readsGoServer(stage),
    );
  },
  6,
);

function useInspector(stage: Stage): Inspector {
  const inspector = new Inspector({ redis: stage.url, connectTimeout: 30_000 });
  after(() => inspector.close());
  return inspector;
}

async function readsTheSame(stage: Stage, version: GoVersion, state: RestingState): Promise<void> {
  const queue = stage.queue();
  const ids = await new Producer(stage, 'Go', version).make(queue, state, { count: 5 });
  const peer = stage.peer(version);
  const inspector = useInspector(stage);
  const group = state === 'aggregating' ? { group: 'g' } : {};
  const go = await peer.list(queue, state, group.group);
  const { tasks, total } = await inspector.listTasks({ queue, state, ...group });
  assert.equal(total, ids.length);
  assert.deepEqual(tasks.map(ours), go.map(gos));
  // A page of each in the middle.
  const page = { page: 2, size: 2 };
  const goPage = (await peer.inspect('list', { queue, state, ...group, ...page })) as GoTaskInfo[];
  const ourPage = await inspector.listTasks({ queue, state, ...group, ...page });
  assert.deepEqual(ourPage.tasks.map(ours), goPage.map(gos));
  const one = await inspector.getTask(queue, ids[0] ?? '');
  assert.deepEqual(ours(one), gos(await peer.task(queue, ids[0] ?? '')));
}

/** What both inspectors show of a task. */
function ours(task: ListedTask): object {
  return {
    id: task.id,
    queue: task.queue,
    type: task.type,
    payload: Buffer.from(task.payload).toString('base64'),
    state: task.state,
    maxRetry: task.maxRetry,
    retried: task.retried,
    lastErr: task.lastError ?? '',
    lastFailedAt: seconds(task.lastFailedAt),
    timeout: task.timeout / 1000,
    deadline: seconds(task.deadline),
    // Go says "now" for what is pending, we say nothing.
    nextProcessAt: task.state === 'pending' ? 0 : seconds(task.nextProcessAt),
    retention: task.retention / 1000,
    completedAt: seconds(task.completedAt),
    result: Buffer.from(task.result ?? '').toString('base64'),
  };
}

function gos(task: GoTaskInfo): object {
  const { isOrphaned: _orphaned, headers: _headers, group: _group, ...shared } = task;
  return {
    ...shared,
    payload: task.payload ?? '',
    result: task.result ?? '',
    nextProcessAt: task.state === 'pending' ? 0 : task.nextProcessAt,
  };
}

function seconds(at: Date | undefined): number {
  return at === undefined ? 0 : Math.floor(at.getTime() / 1000);
}

async function readsGoServer(stage: Stage): Promise<void> {
  const queue = stage.queue();
  const producer = new Producer(stage, 'Go');
  await producer.make(queue, 'retry', { count: 2 });
  await producer.make(queue, 'completed', { count: 3 });
  const go = stage.peer();
  await go.serve({ queues: { [queue]: 5 }, concurrency: 1, strict: true });
  await go.enqueue({ type: 'wait', payload: 'x', options: { queue, taskId: `${queue}-runs` } });
  await go.enqueue({ type: 'wait', payload: 'y', options: { queue, taskId: `${queue}-waits` } });
  const inspector = useInspector(stage);
  await until(async () => {
    const found = await goServerOf(go, queue);
    return found?.ActiveWorkers.length === 1; // told by the heartbeat after the next
  });
  const theirs = await goServerOf(go, queue);
  const server = (await inspector.servers()).find((each) => queue in each.queues);
  assert.deepEqual(
    { ...server, startedAt: server?.startedAt.getTime(), workers: server?.workers.length },
    {
      id: theirs?.ID,
      host: theirs?.Host,
      pid: go.pid,
      concurrency: 1,
      queues: { [queue]: 5 },
      strictPriority: true,
      status: 'active',
      startedAt: Math.floor(Date.parse(theirs?.Started ?? '')),
      workers: 1,
    },
  );
  const [worker] = server?.workers ?? [];
  const [other] = theirs?.ActiveWorkers ?? [];
  assert.equal(worker?.taskId, other?.TaskID);
  assert.equal(worker?.type, 'wait');
  assert.equal(worker.deadline?.getTime(), Math.floor(Date.parse(other?.Deadline ?? '')));

  const info = (await go.inspect('queue', { queue })) as Readonly<Record<string, number>>;
  const own = await inspector.queueInfo(queue);
  assert.deepEqual(
    [own.size, own.groups, own.counts.active, own.counts.pending, own.counts.retry],
    [info['Size'], info['Groups'], info['Active'], info['Pending'], info['Retry']],
  );
  assert.deepEqual(
    [own.processedToday, own.failedToday, own.processedTotal, own.failedTotal],
    [info['Processed'], info['Failed'], info['ProcessedTotal'], info['FailedTotal']],
  );
  assert.equal(own.memoryBytes, info['MemoryUsage']);
  assert.ok(own.latencyMs >= (info['Latency'] ?? 0) / 1e6 && own.latencyMs < 60_000);
  const history = (await go.inspect('history', { queue, days: 3 })) as {
    readonly Processed: number;
    readonly Failed: number;
    readonly Date: string;
  }[];
  assert.deepEqual(
    await inspector.history(queue, 3),
    history.map((day) => ({
      day: day.Date.slice(0, 10),
      processed: day.Processed,
      failed: day.Failed,
    })),
  );
  assert.ok((await inspector.queues()).includes(queue));
  assert.equal(await stage.redisOf(queueKeys(queue).prefix).exists(queueKeys(queue).groups), 0);
}
