import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { emptyFolder, runCli } from '../cli/process.ts';
import { fixture } from '../helpers/paths.ts';
import { until } from '../helpers/server.ts';
import { countOf, LONG_MS, useFleets } from './fleet.ts';

const fleets = await useFleets();

test('a child that cannot start any more is tried again, with growing delays, until it can', async () => {
  const handlers = emptyFolder();
  const file = join(handlers, 'work.mjs');
  const good = 'export default () => 1;';
  writeFileSync(file, good);
  const fleet = await fleets.start('broken-later', { HANDLERS: handlers });
  writeFileSync(file, 'throw new Error("broken meanwhile");');
  const [pid = 0] = fleet.childPids();
  process.kill(pid, 'SIGKILL');
  const { reason } = await fleet.says(({ msg }) => msg === 'child process could not start');
  assert.match(String(reason), /ERR_HANDLER_LOAD: .*broken meanwhile/);
  await fleet.says(
    ({ msg, delayMs }) => msg === 'restarting child process' && delayMs === 200,
    LONG_MS,
  );
  const delays = fleet.records
    .filter(({ msg }) => msg === 'restarting child process')
    .map(({ delayMs }) => delayMs);
  assert.deepEqual(delays.slice(0, 4), [0, 0, 100, 200]);
  writeFileSync(file, good);
  await until(() => countOf(fleet.records, 'started') === 2, LONG_MS);
});

test('a handler that cannot be loaded ends serve with one clear line and code 1, whatever the number of children', async () => {
  const env = {
    REDIS_URL: fleets.redis.url,
    HANDLERS: fixture('broken-handlers'),
    HTTP_PORT: 'off',
    LOG_LEVEL: 'silent',
    PROCESSES: '3',
  };
  const { code, stdout, stderr } = await runCli(['serve'], { env });
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /^threadmill: ERR_HANDLER_LOAD: [^\n]*\n$/);
});
