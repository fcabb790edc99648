import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { queueKeys } from '../../src/wire/keys.ts';
import { emptyFolder, startCli } from '../cli/process.ts';
import { givenTimeOf } from '../helpers/given-time.ts';
import { fixture } from '../helpers/paths.ts';
import { swallowingProxy } from '../helpers/proxy.ts';
import { until } from '../helpers/server.ts';
import { isAlive, LONG_MS, processesWith, type RunningFleet, useFleets } from './fleet.ts';

const fleets = await useFleets();

/** SHUTDOWN_TIMEOUT and CANCEL_GRACE of the fleets, the promised second, and what the system takes to end processes. */
const BOUND_MS = 300 + 200 + 1_000;
const SLACK_MS = 400;

/** Sends the signal; answers how the process ended, and after how long, without what the machine kept it waiting. */
async function end(fleet: RunningFleet, signal: NodeJS.Signals = 'SIGTERM') {
  const { child, ended } = fleet.run;
  const ms = await givenTimeOf(() => {
    child.kill(signal);
    return ended;
  }, [child.pid ?? 0, ...fleet.childPids()]);
  const { code, stderr } = await ended;
  return { code, stderr, ms };
}

test('a shutdown with a task stuck in a native call keeps its bound, gives the task back, and leaves nothing', async () => {
  const fleet = await fleets.start('stuck', { CONCURRENCY: '2', PROCESSES: '2' });
  const seconds = `30.${randomInt(1e8, 1e9)}`;
  const stuck = await fleet.enqueue('sleep', {}, { seconds });
  await fleet.begins(stuck);
  const other = await fleet.enqueue('stay');
  await fleet.begins(other);
  await until(() => processesWith(`sleep ${seconds}`).length > 0);
  const { code, stderr, ms } = await end(fleet);
  assert.deepEqual([code, stderr], [0, '']);
  assert.ok(ms < BOUND_MS + SLACK_MS, `${ms} ms`);
  assert.deepEqual(processesWith(`sleep ${seconds}`), []);
  assert.deepEqual(fleet.childPids().filter(isAlive), []);
  for (const id of [stuck, other]) {
    const { state, retried, threadmill_crashes, threadmill_suspect } = await fleet.fields(id);
    assert.deepEqual(
      [state, retried, threadmill_crashes, threadmill_suspect],
      ['pending', '0', undefined, undefined],
    );
  }
  assert.deepEqual(await fleets.redis.client.zrange('asynq:servers', '0', '-1'), []);
  assert.equal(await fleets.redis.client.llen(queueKeys('stuck').active), 0);
});

test('a child that does not react to the shutdown is killed in time, and its task goes back', async () => {
  const fleet = await fleets.start('frozen');
  const id = await fleet.enqueue('stay');
  process.kill(await fleet.begins(id), 'SIGSTOP');
  const { code, ms } = await end(fleet);
  assert.equal(code, 0);
  assert.ok(ms < BOUND_MS + SLACK_MS, `${ms} ms`);
  assert.deepEqual(fleet.childPids().filter(isAlive), []);
  const { state, retried, threadmill_crashes } = await fleet.fields(id);
  assert.deepEqual([state, retried, threadmill_crashes], ['pending', '0', undefined]);
});

test('what a child held that dies during the shutdown is settled also when Redis is slow', async () => {
  const proxy = await swallowingProxy(fleets.redis.socket);
  const fleet = await fleets.start('slow', { REDIS_URL: proxy.url });
  const id = await fleet.enqueue('stay');
  const pid = await fleet.begins(id);
  proxy.delay(75); // each way, and settling takes two round trips one after the other
  fleet.run.child.kill('SIGTERM');
  await fleet.says(({ msg }) => msg === 'shutting down');
  process.kill(pid, 'SIGKILL');
  assert.equal((await fleet.run.ended).code, 0);
  assert.equal((await fleet.fields(id))['state'], 'retry');
});

test('a supervisor from which the machine kept all of the time settles what it kills all the same', async () => {
  const fleet = await fleets.start('kept');
  const id = await fleet.enqueue('stay');
  process.kill(await fleet.begins(id), 'SIGSTOP');
  const { child, ended } = fleet.run;
  child.kill('SIGTERM');
  await fleet.says(({ msg }) => msg === 'shutting down');
  child.kill('SIGSTOP');
  await setTimeout(BOUND_MS); // all of its timers are due then
  child.kill('SIGCONT');
  assert.equal((await ended).code, 0);
  assert.deepEqual(fleet.childPids().filter(isAlive), []);
  assert.equal((await fleet.fields(id))['state'], 'pending');
});

test('a task that ends within the time is settled before the processes end', async () => {
  const fleet = await fleets.start('orderly');
  const id = await fleet.enqueue('pause', {}, { ms: 250 });
  await fleet.begins(id);
  const { code, ms } = await end(fleet, 'SIGINT');
  assert.equal(code, 0);
  assert.ok(ms < BOUND_MS, `${ms} ms`);
  assert.equal((await fleet.fields(id))['state'], 'completed');
});

test('a second signal kills everything and ends with 1', async () => {
  const fleet = await fleets.start('forced', { SHUTDOWN_TIMEOUT: '1m' });
  await fleet.begins(await fleet.enqueue('stay'));
  fleet.run.child.kill('SIGTERM');
  await fleet.says(({ msg }) => msg === 'shutting down');
  const again = setInterval(() => fleet.run.child.kill('SIGTERM'), 100);
  const { code } = await fleet.run.ended;
  clearInterval(again);
  assert.equal(code, 1);
  await until(() => !fleet.childPids().some(isAlive));
});

test('SIGTSTP stops pulling in all children, and running tasks go on', async () => {
  const fleet = await fleets.start('paused', { PROCESSES: '2' });
  const id = await fleet.enqueue('pause', {}, { ms: 500 });
  await fleet.begins(id);
  fleet.run.child.kill('SIGTSTP');
  const stopped = (): number =>
    fleet.records.filter(({ msg }) => msg === 'stopped pulling tasks').length;
  await until(() => stopped() === 2);
  const later = await fleet.enqueue('quick');
  await until(async () => (await fleet.fields(id))['state'] === 'completed');
  assert.equal((await fleet.fields(later))['state'], 'pending');
  // A child that takes the place of another does not pull either, save what it got before it was told.
  process.kill(fleet.childPids()[0] ?? 0, 'SIGKILL');
  await until(() => stopped() === 3, LONG_MS);
  const last = await fleet.enqueue('quick');
  await fleet.metrics();
  assert.equal((await fleet.fields(last))['state'], 'pending');
  assert.equal((await end(fleet)).code, 0);
});

test('a signal while children start ends everything', async () => {
  const env = { REDIS_URL: fleets.redis.url, HANDLERS: fixture('fleet'), HTTP_PORT: 'off' };
  const run = startCli(['serve', '--processes', '2'], { env });
  await run.line('child process started');
  run.child.kill('SIGTERM');
  const { code, stdout } = await run.ended;
  assert.equal(code, 0);
  const pids = [...stdout.matchAll(/"childPid":(\d+)/g)].map(([, pid]) => Number(pid));
  assert.ok(pids.length > 0);
  assert.deepEqual(pids.filter(isAlive), []);
});

test('nothing is left of a private Redis, nor of the journals', async () => {
  const cwd = emptyFolder();
  const temporary = emptyFolder();
  const env = { HANDLERS: fixture('fleet'), HTTP_PORT: 'off', TMPDIR: temporary };
  const run = startCli(['serve'], { cwd, env });
  await run.line('"msg":"started"');
  // Even while it runs: a journal has no name.
  const journals = readdirSync(temporary).filter((name) => name.includes('journal'));
  assert.deepEqual(journals, []);
  run.child.kill('SIGTERM');
  assert.equal((await run.ended).code, 0);
  assert.deepEqual(processesWith(cwd), []);
  assert.ok(!existsSync(join(cwd, '.threadmill', 'redis', 'url')));
});

test('a shutdown without Redis keeps its bound, with a task stuck in a native call as well', async () => {
  const fleet = await fleets.start('away');
  await fleet.begins(await fleet.enqueue('sleep', {}, { seconds: '31' }));
  await fleets.redis.kill();
  await fleet.says(({ msg }) => msg === 'Redis is not reachable', LONG_MS);
  const { code, ms } = await end(fleet);
  assert.equal(code, 0);
  assert.ok(ms < BOUND_MS + SLACK_MS, `${ms} ms`);
  assert.deepEqual(fleet.childPids().filter(isAlive), []);
});
