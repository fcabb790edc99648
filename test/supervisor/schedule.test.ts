/** `threadmill serve` runs the schedule of its config file, with its own start and end. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { schedulerHistoryKey, SCHEDULERS } from '../../src/wire/keys.ts';
import { emptyFolder, runCli, startCli } from '../cli/process.ts';
import { givenTimeOf } from '../helpers/given-time.ts';
import { fixture } from '../helpers/paths.ts';
import { useRedis } from '../helpers/redis.ts';
import { until } from '../helpers/server.ts';

const redis = await useRedis();
const { client } = redis;

function folderWith(config: string): string {
  const cwd = emptyFolder();
  writeFileSync(join(cwd, 'threadmill.config.mjs'), config);
  return cwd;
}

const env = {
  REDIS_URL: redis.url,
  HANDLERS: fixture('acts'),
  CONCURRENCY: '1',
  HTTP_PORT: '0',
  LOG_LEVEL: 'debug',
};

test('the ticks of the config file run, are counted and logged, and end with the server', async () => {
  const cwd = folderWith(`export default { schedule: {
    entries: [{ name: 'tick', spec: '@every 1s', task: { type: 'ok' } }],
    provider: async () => [{ name: 'daily', spec: '@daily', task: { type: 'ok' } }],
  } };`);
  const run = startCli(['serve'], { cwd, env });
  const { entries } = JSON.parse(await run.line('scheduler started')) as { entries: number };
  assert.equal(entries, 2);
  const ticked = JSON.parse(await run.line('tick enqueued')) as { entry: { name: string } };
  assert.equal(ticked.entry.name, 'tick');
  await run.line('"msg":"task succeeded"');
  const { url } = JSON.parse(await run.line('HTTP server listens')) as { url: string };
  const metrics = await (await fetch(`${url}/metrics`)).text();
  assert.match(metrics, /^threadmill_schedule_ticks_total{result="enqueued"} [1-9]/m);
  assert.equal(await client.zcard(SCHEDULERS), 1);
  run.child.kill('SIGTERM');
  const { code, stderr } = await run.ended;
  assert.equal(code, 0, stderr);
  assert.equal(await client.zcard(SCHEDULERS), 0);
  assert.equal((await client.keys(schedulerHistoryKey('*'))).length, 1);
});

test('every problem of the schedule is named with the others, and nothing starts', async () => {
  const cwd = folderWith(`export default { concurrency: 0, schedule: [
    { spec: '* * *', task: { type: 'ok' } },
    { spec: '@hourly', task: { type: 'ok' }, missed: 'twice' },
  ] };`);
  const { code, stderr } = await runCli(['serve'], { cwd, env: { ...env, CONCURRENCY: '' } });
  assert.equal(code, 2);
  assert.match(stderr, /3 settings are wrong/);
  assert.match(stderr, /schedule\[0\]\.spec in threadmill\.config\.mjs is "\* \* \*"/);
  assert.match(stderr, /schedule\[1\]\.missed in threadmill\.config\.mjs is "twice"/);
  assert.match(stderr, /concurrency in threadmill\.config\.mjs/);
});

test('a provider that fails at the start ends the start with its error', async () => {
  const cwd = folderWith(`export default { schedule: {
    provider: () => Promise.reject(new Error('no answer today')),
  } };`);
  const { code, stderr } = await runCli(['serve'], { cwd, env });
  assert.equal(code, 1);
  assert.match(stderr, /no answer today/);
});

test('with Redis gone the end does not wait for the schedule', async () => {
  const other = await useRedis();
  const cwd = folderWith(
    `export default { schedule: [{ spec: '@every 1s', task: { type: 'ok' } }] };`,
  );
  const times = { SHUTDOWN_TIMEOUT: '0', CANCEL_GRACE: '0' };
  const run = startCli(['serve'], { cwd, env: { ...env, ...times, REDIS_URL: other.url } });
  await run.line('tick enqueued');
  process.kill(other.pid, 'SIGSTOP');
  const ms = await givenTimeOf(() => {
    run.child.kill('SIGTERM');
    return run.ended;
  }, [run.child.pid ?? 0]);
  assert.ok(ms < 4_000, `${ms} ms`);
  await until(() => run.child.exitCode !== null);
});
