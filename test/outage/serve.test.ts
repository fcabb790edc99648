/** `threadmill serve`, a supervisor with two children behind a proxy, while Redis goes away and comes back. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { givenTimeOf } from '../helpers/given-time.ts';
import { swallowingProxy, type SwallowingProxy } from '../helpers/proxy.ts';
import { fixture } from '../helpers/paths.ts';
import { until } from '../helpers/server.ts';
import { countOf, idOf, LONG_MS, type RunningFleet, useFleets } from '../supervisor/fleet.ts';
import { askReadiness, changesOf, OUTAGES, tellChanges } from './outages.ts';

const AWAY_MS = 5_000;
const CHILDREN = 2;
/** Four of each child, and one of the supervisor. */
const CONNECTIONS = 4 * CHILDREN + 1;
/** Each asks five times in the first second, then once a second, or a quarter sooner. */
const maxAttempts = (seconds: number): number => CONNECTIONS * (5 + seconds / 0.75);
const INFO = 30;
const NAMES = ['is killed and started again', 'refuses connections', 'hangs', 'is made a replica'];

const fleets = await useFleets();

async function serve(queue: string): Promise<{ fleet: RunningFleet; proxy: SwallowingProxy }> {
  const proxy = await swallowingProxy(fleets.redis.socket);
  after(() => proxy.close());
  const fleet = await fleets.start(queue, {
    REDIS_URL: proxy.url,
    HANDLERS: fixture('outage'),
    PROCESSES: String(CHILDREN),
    // The proxy is in this very process: where that stands still for so long, Redis is away for all of them.
    CONNECT_TIMEOUT: '2s',
    HEALTH_INTERVAL: '500ms',
    FORWARD_INTERVAL: '500ms',
    POLL_INTERVAL: '1m',
    LEASE_DURATION: '1m',
  });
  return { fleet, proxy };
}

async function assertWorks(fleet: RunningFleet): Promise<void> {
  const id = await fleet.enqueue('work', {}, { ms: 1 });
  await until(async () => (await fleet.fields(id))['state'] === 'completed', LONG_MS);
  const waiting = await fleet.enqueue('wait', { maxRetry: 0 });
  await fleet.begins(waiting);
  await fleets.client.cancel(waiting);
  await until(async () => (await fleet.fields(waiting))['state'] === 'archived', LONG_MS);
}

/** Seconds of a core that the processes have used so far. */
function coreSeconds(pids: readonly number[]): number {
  const ticks = pids.flatMap((pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return [Number(fields[11]), Number(fields[12])]; // user and system time, in hundredths of a second
  });
  return ticks.reduce((sum, tick) => sum + tick, 0) / 100;
}

for (const outage of OUTAGES.filter(({ name }) => NAMES.includes(name))) {
  test(`Redis ${outage.name}: every child says so once, asks seldom, and goes on by itself`, async (t) => {
    const { redis } = fleets;
    const { fleet, proxy } = await serve(`q-${OUTAGES.indexOf(outage)}`);
    await assertWorks(fleet);
    const running = await fleet.enqueue('work', {}, { ms: 1_500 });
    await fleet.begins(running);
    const readiness = askReadiness(fleet.url);
    await until(() => readiness.answers.at(-1)?.status === 200);
    const from = fleet.records.length;
    const said = (): string[] =>
      fleet.records.slice(from).flatMap(({ level, msg }) => (level >= INFO ? [msg] : []));
    const { attempts } = proxy;
    const beganAt = performance.now();
    await outage.begin({ redis, proxy });
    try {
      const pids = [fleet.run.child.pid ?? 0, ...fleet.childPids()];
      const isNoticed = (): boolean => readiness.answers.at(-1)?.status === 503;
      const noticedMs = await givenTimeOf(() => until(isNoticed, LONG_MS), pids);
      assert.ok(noticedMs < AWAY_MS, `noticed after ${noticedMs} ms`);
      const before = process.platform === 'linux' ? coreSeconds(pids) : 0;
      await sleep(AWAY_MS);
      const used = process.platform === 'linux' ? coreSeconds(pids) - before : 0;
      t.diagnostic(`${used.toFixed(2)} s of a core in ${AWAY_MS} ms, by ${pids.length} processes`);
      const asked = proxy.attempts - attempts;
      const seconds = (performance.now() - beganAt) / 1_000;
      t.diagnostic(`${asked} attempts in ${seconds.toFixed(1)} s, by ${CONNECTIONS} connections`);
      assert.ok(asked <= maxAttempts(seconds), `${asked} attempts`);
      assert.deepEqual(said(), Array(CHILDREN).fill(outage.said[0]));
    } finally {
      await outage.end({ redis, proxy }); // or the tests after it would fail as well
    }
    await until(() => countOf(fleet.records.slice(from), outage.said[1]) === CHILDREN, LONG_MS);
    if (outage.name !== 'is killed and started again') {
      await until(async () => (await fleet.fields(running))['state'] === 'completed', LONG_MS);
    }
    await until(() => readiness.answers.at(-1)?.status === 200, LONG_MS);
    await assertWorks(fleet);
    await readiness.stop();
    assert.deepEqual(changesOf(readiness.answers), [200, 503, 200], tellChanges(readiness.answers));
    assert.equal(countOf(fleet.records, 'child process started'), CHILDREN);
    const begun = fleet.records.filter(
      ({ msg, task }) => msg === 'task started' && idOf(task) === running,
    );
    assert.equal(begun.length, 1);
  });
}
