/** Point 5: what asynq's tools show of our data. */
import assert from 'node:assert/strict';
import { until } from '../helpers/server.ts';
import { Producer, type RestingState } from './act.ts';
import { enqueueBy } from './both-sides.ts';
import { type GoServerInfo, goServerOf } from './go-servers.ts';
import type { GoVersion } from './peer.ts';
import type { Stage } from './stage.ts';
import { point, walk } from './walk.ts';

const CLI = { point: 5, direction: 'Go on Threadmill', version: 'CLI' } as const;
const VERSIONS: readonly GoVersion[] = ['0.26.0', '0.24.1'];
const STATES: readonly RestingState[] = [
  'pending',
  'scheduled',
  'retry',
  'archived',
  'completed',
  'aggregating',
];
/** What the command line shows beside ID, type and payload. */
const SHOWN: Readonly<Record<RestingState, RegExp>> = {
  pending: /pending \d$/,
  scheduled: /in (59m\d+s|1h0m\d+s)$/,
  retry: /in (59m\d+s|1h0m\d+s)\s+boom\s.*UTC \d{4}\s+1\s+5$/,
  archived: /boom$/,
  completed: /UTC \d{4}/,
  aggregating: /g$/,
};

await walk(
  'listings',
  (stage) => {
    for (const state of STATES) {
      point(
        stage,
        { ...CLI, what: 'task ls in every state' },
        `task ls shows our ${state} tasks`,
        () => listsOurs(stage, state),
      );
    }
    point(stage, CLI, 'stats, queue inspect, queue history and group ls show our figures', () =>
      figures(stage),
    );
    point(stage, CLI, 'server ls shows our server with its running task', () => servers(stage));
    for (const version of VERSIONS) {
      point(
        stage,
        { point: 5, direction: 'Go on Threadmill', version },
        "Go's inspector reads our server, its worker and the latency and memory of our queue",
        () => readsOurServer(stage, version),
      );
    }
  },
  6,
);

async function listsOurs(stage: Stage, state: RestingState): Promise<void> {
  const queue = stage.queue();
  const ids = await new Producer(stage, 'Threadmill').make(queue, state, { count: 3 });
  const group = state === 'aggregating' ? ['--group', 'g'] : [];
  const { stdout, stderr } = await stage.cli('task', 'ls', '-q', queue, '-s', state, ...group);
  const rows = stdout.split('\n').filter((line) => line.startsWith(queue));
  assert.deepEqual(
    rows.map((row) => row.split(/\s+/)[0]).sort(),
    [...ids].sort(),
    `${stdout}${stderr}`,
  );
  for (const row of rows) {
    assert.match(row, new RegExp(`-${state}-(\\d)\\s+(ok|fail)\\s+${state} \\1`));
    assert.match(row.trimEnd(), SHOWN[state]);
  }
  const { stdout: one } = await stage.cli('task', 'inspect', '-q', queue, '-i', ids[0] ?? '');
  assert.match(one, new RegExp(`${ids[0]}[\\s\\S]*${state}`));
}

async function figures(stage: Stage): Promise<void> {
  const queue = stage.queue();
  const producer = new Producer(stage, 'Threadmill');
  await producer.make(queue, 'retry', { count: 2 });
  await producer.make(queue, 'completed', { count: 3 });
  await producer.make(queue, 'pending', { count: 4 });
  await producer.make(queue, 'aggregating', { count: 5 });
  await producer.make(queue, 'scheduled', { count: 6 });

  const { stdout: inspected } = await stage.cli('queue', 'inspect', queue);
  assert.match(inspected, /Size:\s+20\nGroups:\s+1\nPaused:\s+false/);
  assert.match(inspected, /\n0\s+4\s+5\s+6\s+2\s+0\s+3\s*\n/);
  assert.match(inspected, /\n5\s+2\s+40\.00%/);

  const { stdout: history } = await stage.cli('queue', 'history', queue, '--days', '2');
  assert.match(history, /\n\d{4}-\d\d-\d\d\s+5\s+2\s+40\.00%\s*\n\d{4}-\d\d-\d\d\s+0\s+0\s+N\/A/);

  const { stdout: groups } = await stage.cli('group', 'ls', '--queue', queue);
  assert.equal(groups.trim(), 'g');

  const { stdout: stats } = await stage.cli('stats', '--json');
  const all = JSON.parse(stats) as { queues: Readonly<Record<string, unknown>>[] };
  const own = all.queues.find((each) => each['Queue'] === queue);
  assert.equal(own?.['Size'], 20);
  assert.equal(own?.['ProcessedTotal'], 5);
  checkPlausible(own?.['Latency'], own?.['MemoryUsage']);
}

/** Something waits for less than a minute, and takes some hundred bytes a task. */
function checkPlausible(latencyNs: unknown, memory: unknown): void {
  assert.ok(Number(latencyNs) > 0 && Number(latencyNs) < 60e9, `latency ${String(latencyNs)}`);
  assert.ok(Number(memory) > 100 && Number(memory) < 100_000, `memory ${String(memory)}`);
}

async function servers(stage: Stage): Promise<void> {
  const queue = stage.queue();
  await stage.server({ [queue]: 7 }, { concurrency: 3 });
  await enqueueBy(stage, { type: 'wait', options: { queue, taskId: `${queue}-runs` } });
  await until(async () => {
    const { stdout } = await stage.cli('server', 'ls');
    const row = stdout.split('\n').find((line) => line.includes(`${queue}:7`)) ?? '';
    return new RegExp(`\\s${process.pid}\\s+active\\s+1/3\\s+${queue}:7\\s+\\d+s ago`).test(row);
  });
  const { stdout } = await stage.cli('task', 'ls', '-q', queue, '-s', 'active');
  assert.match(stdout, new RegExp(`${queue}-runs\\s+wait`));
}

async function readsOurServer(stage: Stage, version: GoVersion): Promise<void> {
  const queue = stage.queue();
  const id = `${stage.kind}-${queue}`;
  await stage.server({ [queue]: 3 }, { concurrency: 1, strictPriority: true });
  const options = { queue, timeout: 90_000 };
  await enqueueBy(stage, { type: 'wait', payload: 'x', options: { ...options, taskId: id } });
  await enqueueBy(stage, { type: 'wait', payload: 'y', options: { ...options, taskId: 'waits' } });
  const peer = stage.peer(version);
  let found: GoServerInfo | undefined;
  await until(async () => {
    found = await goServerOf(peer, queue);
    return found?.ActiveWorkers.length === 1;
  });
  assert.ok(found);
  const { PID, Concurrency, Queues, StrictPriority, Status, ActiveWorkers } = found;
  assert.deepEqual(
    { PID, Concurrency, Queues, StrictPriority, Status },
    {
      PID: process.pid,
      Concurrency: 1,
      Queues: { [queue]: 3 },
      StrictPriority: true,
      Status: 'active',
    },
  );
  const [worker] = ActiveWorkers;
  assert.equal(worker?.TaskID, id);
  assert.equal(worker.TaskType, 'wait');
  assert.equal(worker.Queue, queue);
  const runMs = Date.parse(worker.Deadline) - Date.parse(worker.Started);
  assert.ok(Math.abs(runMs - 90_000) < 2_000, `deadline after ${runMs} ms`);
  assert.ok(Math.abs(Date.parse(found.Started) - Date.now()) < 60_000);
  const [active] = await peer.list(queue, 'active');
  assert.equal(active?.id, id);
  assert.equal(active.isOrphaned, false);
  const info = (await peer.inspect('queue', { queue })) as Readonly<Record<string, unknown>>;
  checkPlausible(info['Latency'], info['MemoryUsage']);
  assert.deepEqual([info['Size'], info['Active'], info['Pending']], [2, 1, 1]);
}
