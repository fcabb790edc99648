import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../helpers/server.ts';
import { countOf, LONG_MS, type RunningFleet, useFleets } from './fleet.ts';

const fleets = await useFleets();

/** The value of one series. */
async function read(fleet: RunningFleet, series: string): Promise<number> {
  const line = (await fleet.metrics()).split('\n').find((each) => each.startsWith(`${series} `));
  return line === undefined ? Number.NaN : Number(line.slice(series.length + 1));
}

async function probe(fleet: RunningFleet, path: string): Promise<[number, string[]]> {
  const response = await fetch(fleet.url + path);
  const { problems } = (await response.json()) as { problems: string[] };
  return [response.status, problems];
}

test('metrics are the sum over children, and no counter goes back when one dies', async () => {
  const queue = 'sums';
  const fleet = await fleets.start(queue, { PROCESSES: '2', CONCURRENCY: '2' });
  const processed = `threadmill_tasks_processed_total{queue="${queue}",type="quick"}`;
  for (let i = 0; i < 20; i += 1) await fleet.enqueue('quick');
  await until(async () => (await read(fleet, processed)) === 20, LONG_MS);
  assert.equal(await read(fleet, 'threadmill_threads_total'), 4);
  assert.equal(await read(fleet, 'threadmill_children'), 2);
  // Read once for all, not once per child; a reading serves for a second.
  const inRedis = `asynq_tasks_processed_total{queue="${queue}"}`;
  await until(async () => (await read(fleet, inRedis)) === 20);
  for (const pid of fleet.childPids()) {
    process.kill(pid, 'SIGKILL');
    await fleet.says(({ msg, childPid }) => msg === 'child process died' && childPid === pid);
    assert.equal(await read(fleet, processed), 20);
  }
  await until(() => countOf(fleet.records, 'started') === 4, LONG_MS);
  await fleet.enqueue('quick');
  await until(async () => (await read(fleet, processed)) === 21, LONG_MS);
  assert.equal(await read(fleet, 'threadmill_children_restarts_total{cause="died"}'), 2);
  assert.equal(await read(fleet, 'threadmill_threads_total'), 4);
});

test('readyz fails while no child is ready, and says why', async () => {
  const fleet = await fleets.start('readiness');
  assert.deepEqual(await probe(fleet, '/readyz'), [200, []]);
  const [pid = 0] = fleet.childPids();
  process.kill(pid, 'SIGKILL');
  await until(async () => (await probe(fleet, '/readyz'))[0] === 503);
  await until(async () => (await probe(fleet, '/readyz'))[0] === 200, LONG_MS);
});

test('healthz fails when a child does not answer, and names it', async () => {
  const program = fileURLToPath(new URL('./serve-impatient.js', import.meta.url));
  const fleet = await fleets.start('silent', { PROCESSES: '2' }, program);
  assert.deepEqual(await probe(fleet, '/healthz'), [200, []]);
  const [pid = 0] = fleet.childPids();
  process.kill(pid, 'SIGSTOP');
  await until(async () => (await probe(fleet, '/healthz'))[0] === 503, LONG_MS);
  const [, problems] = await probe(fleet, '/healthz');
  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? '', new RegExp(`^child process ${pid} has not answered for \\d+ ms`));
  // The other one still takes tasks, and metrics are served from what was told last.
  assert.equal((await probe(fleet, '/readyz'))[0], 200);
  assert.equal(await read(fleet, 'threadmill_threads_total'), 1);
  process.kill(pid, 'SIGCONT');
  await until(async () => (await probe(fleet, '/healthz'))[0] === 200, LONG_MS);
});
