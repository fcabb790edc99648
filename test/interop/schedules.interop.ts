/** Point 11: periodic tasks of one side's scheduler, as the other side's tools and servers see them. */
import assert from 'node:assert/strict';
import { after } from 'node:test';
import { pino } from 'pino';
import { Inspector } from '../../src/inspector/inspector.ts';
import type { ScheduleEntry } from '../../src/policy/schedule-entry.ts';
import { Scheduler } from '../../src/scheduler/scheduler.ts';
import { until } from '../helpers/server.ts';
import { fromGo, type GoOptions, type GoVersion, type Peer } from './peer.ts';
import { forThreadmill } from './both-sides.ts';
import type { Stage } from './stage.ts';
import { point, walk } from './walk.ts';

const VERSIONS: readonly GoVersion[] = ['0.26.0', '0.24.1'];
/** Never due while the tests run. */
const NEVER = '0 0 29 2 *';
const HOUR_MS = 3_600_000;

/** Options of an entry, those that asynq can read back. */
const OPTIONS: GoOptions = {
  maxRetry: 3,
  timeout: 90_000,
  unique: HOUR_MS,
  retention: 24 * HOUR_MS,
};
const WRITTEN = ['MaxRetry(3)', 'Timeout(1m30s)', 'Unique(1h0m0s)', 'Retention(24h0m0s)'];

/** An entry as Go's inspector shows it. */
interface GoEntry {
  readonly id: string;
  readonly spec: string;
  readonly type: string;
  readonly payload: string | null;
  readonly options: readonly string[];
  readonly next: number;
  readonly prev?: number;
}

await walk('schedules', (stage) => {
  for (const version of VERSIONS) {
    point(
      stage,
      { point: 11, direction: 'Threadmill to Go', version },
      "Go's inspector reads our entries: options parse, one that never ran has no previous time",
      () => goReadsOurs(stage, version),
    );
  }
  point(
    stage,
    { point: 11, direction: 'Go to Threadmill', version: '0.26.0' },
    'our inspector reads entries and events of a Go scheduler as its own does',
    () => weReadGos(stage),
  );
  point(
    stage,
    { point: 11, direction: 'Threadmill to Go', version: 'CLI' },
    'cron ls and cron history show our entries and what they enqueued',
    () => cliShows(stage),
  );
  point(
    stage,
    { point: 11, direction: 'both compared', version: '0.26.0' },
    'both schedulers write the same options in the same words',
    () => writesTheSame(stage),
  );
  point(
    stage,
    { point: 11, direction: 'both mixed', version: '0.26.0' },
    "ticks of either scheduler are run by the other side's server",
    () => runsTicks(stage),
  );
});

function entry(spec: string, type: string, queue: string, options: GoOptions = {}): ScheduleEntry {
  const call = forThreadmill({ type, payload: 'x', options: { ...options, queue } });
  return { spec, ...call };
}

async function startScheduler(stage: Stage, entries: readonly ScheduleEntry[]): Promise<Scheduler> {
  const scheduler = new Scheduler({
    redis: stage.url,
    connectTimeout: 30_000,
    entries,
    logger: pino({ level: 'silent' }),
  });
  after(() => scheduler.stop());
  await scheduler.start();
  return scheduler;
}

async function goEntries(peer: Peer, queue: string): Promise<GoEntry[]> {
  const all = (await peer.inspect('scheduler entries')) as GoEntry[];
  return all.filter(({ options }) => options.includes(`Queue("${queue}")`));
}

async function goReadsOurs(stage: Stage, version: GoVersion): Promise<void> {
  const queue = stage.queue();
  await startScheduler(stage, [
    entry(NEVER, 'never', queue, OPTIONS),
    entry('@every 1s', 'often', queue),
  ]);
  const peer = stage.peer(version);
  let found: readonly GoEntry[] = [];
  await until(async () => {
    found = await goEntries(peer, queue);
    return found.find(({ type }) => type === 'often')?.prev !== undefined;
  }, 60_000);
  assert.equal(found.length, 2);
  const never = found.find(({ type }) => type === 'never');
  assert.ok(never);
  assert.equal(never.prev, undefined);
  assert.equal(never.spec, NEVER);
  assert.equal(fromGo(never.payload), 'x');
  assert.deepEqual([...never.options].sort(), [...WRITTEN, `Queue("${queue}")`].sort());
  assert.equal(new Date(never.next * 1000).toISOString().slice(4), '-02-29T00:00:00.000Z');
}

async function weReadGos(stage: Stage): Promise<void> {
  const queue = stage.queue();
  const peer = stage.peer();
  const ids = (await peer.call('schedule', {
    heartbeatMs: 300,
    entries: [
      { spec: NEVER, type: 'never', payload: 'eA==', options: { ...OPTIONS, queue } },
      { spec: '@every 1s', type: 'often', options: { queue } },
    ],
  })) as string[];
  const inspector = new Inspector({ redis: stage.url, connectTimeout: 30_000 });
  after(() => inspector.close());
  await until(async () => {
    const often = (await inspector.scheduleEntries()).find(({ id }) => id === ids[1]);
    return often?.previousAt !== undefined;
  }, 60_000);
  const never = (await inspector.scheduleEntries()).find(({ id }) => id === ids[0]);
  const theirs = (await goEntries(peer, queue)).find(({ id }) => id === ids[0]);
  assert.deepEqual(
    {
      ...never,
      payload: Buffer.from(never?.payload ?? '').toString(),
      nextAt: never?.nextAt.getTime(),
    },
    {
      id: ids[0],
      spec: NEVER,
      type: 'never',
      payload: 'x',
      options: theirs?.options,
      nextAt: (theirs?.next ?? 0) * 1000,
    },
  );
  const events = (await peer.inspect('scheduler events', { id: ids[1] })) as {
    readonly TaskID: string;
  }[];
  const ours = await inspector.scheduleEvents(ids[1] ?? '');
  assert.ok(events.length > 0);
  // Further ones may have come meanwhile, at the front.
  const known = ours.map(({ taskId }) => taskId).slice(-events.length);
  assert.deepEqual(
    known,
    events.map(({ TaskID }) => TaskID),
  );
}

async function cliShows(stage: Stage): Promise<void> {
  const queue = stage.queue();
  const scheduler = await startScheduler(stage, [
    entry(NEVER, 'never', queue, { maxRetry: 3 }),
    entry('@every 1s', 'often', queue),
  ]);
  const [never, often] = scheduler.entries();
  const rowOf = async (id: string | undefined): Promise<string> => {
    const { stdout } = await stage.cli('cron', 'ls');
    return stdout.split('\n').find((line) => line.startsWith(id ?? '-')) ?? '';
  };
  await until(async () => /s ago\s*$/.test(await rowOf(often?.id)), 60_000);
  const row = await rowOf(never?.id);
  assert.match(
    row,
    /0 0 29 2 \*\s+never\s+x\s+\[.*Queue\("q\d+"\).*\]\s+In \d+h\d+m\d+s\s+N\/A\s*$/,
  );
  assert.match(row, /MaxRetry\(3\)/);
  const { stdout } = await stage.cli('cron', 'history', often?.id ?? '');
  const listed = await stage.cli('task', 'ls', '--queue', queue, '--state', 'pending');
  const ids = listed.stdout.split('\n').flatMap((line) => /^(\S+)\s+often/.exec(line)?.[1] ?? []);
  assert.ok(ids.length > 0);
  assert.ok(
    ids.some((id) => stdout.includes(id)),
    stdout,
  );
}

async function writesTheSame(stage: Stage): Promise<void> {
  const queue = stage.queue();
  const options = { ...OPTIONS, queue };
  const scheduler = await startScheduler(stage, [entry(NEVER, 'same', queue, OPTIONS)]);
  const peer = stage.peer();
  const [id] = (await peer.call('schedule', {
    heartbeatMs: 300,
    entries: [{ spec: NEVER, type: 'same', payload: 'eA==', options }],
  })) as string[];
  const inspector = new Inspector({ redis: stage.url, connectTimeout: 30_000 });
  after(() => inspector.close());
  const optionsOf = async (entryId: string | undefined): Promise<readonly string[] | undefined> =>
    (await inspector.scheduleEntries()).find((each) => each.id === entryId)?.options;
  const ourId = scheduler.entries()[0]?.id;
  await until(async () => Boolean((await optionsOf(id)) && (await optionsOf(ourId))), 60_000);
  assert.deepEqual(
    [...((await optionsOf(ourId)) ?? [])].sort(),
    [...((await optionsOf(id)) ?? [])].sort(),
  );
}

async function runsTicks(stage: Stage): Promise<void> {
  const [ours, gos] = [stage.queue(), stage.queue()];
  await startScheduler(stage, [entry('@every 1s', 'ok', ours)]);
  const peer = stage.peer();
  await peer.call('schedule', {
    heartbeatMs: 300,
    entries: [{ spec: '@every 1s', type: 'ok', options: { queue: gos } }],
  });
  const goServer = stage.peer();
  await goServer.serve({ queues: { [ours]: 1 } });
  const server = await stage.server([gos]);
  let run = 0;
  server.on('succeeded', () => {
    run += 1;
  });
  await goServer.event('begin', ({ queue }) => queue === ours);
  await until(() => run > 0, 60_000);
}
