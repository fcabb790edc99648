import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { SETTINGS } from '../../src/config/settings-table.ts';
import { packageRoot } from '../helpers/paths.ts';
import { useRedis } from '../helpers/redis.ts';
import { emptyFolder, runCli, startCli } from './process.ts';

const redis = await useRedis();

/** A folder whose `handlers` return the length of the payload, and write a line to the log. */
function handlersFolder(): string {
  const folder = emptyFolder();
  const text =
    'export default (task, ctx) => { ctx.log.info("measured"); return task.payload.length; }';
  writeFileSync(join(folder, 'measure.mjs'), text);
  return folder;
}

test('--version prints the version of the package', async () => {
  const { version }: { version: string } = JSON.parse(
    readFileSync(join(packageRoot, 'package.json'), 'utf8'),
  );
  assert.deepEqual(await runCli(['--version']), {
    code: 0,
    signal: null,
    stdout: `${version}\n`,
    stderr: '',
  });
});

test('--help of serve lists every flag with its variable, and examples, without colours', async () => {
  const { code, stdout } = await runCli(['serve', '--help'], { env: { FORCE_COLOR: '1' } });
  assert.equal(code, 0);
  for (const { flag, env } of SETTINGS) {
    assert.ok(stdout.includes(flag), flag);
    assert.ok(stdout.includes(env), env);
  }
  assert.match(stdout, /Examples:\n {2}threadmill serve/);
  assert.ok(!stdout.includes('\u001b'));
});

test('every bad variable, flag and config key is listed on a line of its own, and the exit code is 2', async () => {
  const cwd = emptyFolder();
  writeFileSync(join(cwd, 'threadmill.config.mjs'), 'export default { pollIntervall: 5 }');
  const env = { CONCURRENCY: 'many', HTTP_PORT: '70000', REDIS_URL: 'http://:s3cret@host' };
  const words = ['serve', '--lease-duration', '1s', '--concurency=4', 'stray', '--quues', 'a'];
  const { code, stdout, stderr } = await runCli(words, { cwd, env });
  assert.equal(code, 2);
  assert.equal(stdout, '');
  const [title, ...lines] = stderr.trimEnd().split('\n');
  assert.equal(title, 'threadmill: 8 settings are wrong');
  const starts = [
    '--concurency is "4", accepts nothing: there is no such setting; did you mean --concurrency?',
    '--quues is "a", accepts nothing: there is no such setting; did you mean --queues?',
    'argument is "stray", accepts nothing',
    'pollIntervall in threadmill.config.mjs is 5, accepts nothing: there is no such setting; did you mean pollInterval?',
    'REDIS_URL is "http://***@host", accepts a Redis URL',
    'CONCURRENCY is "many", accepts a whole number from 1 to 10000',
    '--lease-duration is "1s", accepts a duration from 10s to 1h',
    'HTTP_PORT is "70000", accepts a port number',
  ];
  for (const start of starts)
    assert.ok(
      lines.some((line) => line.startsWith(`  ${start}`)),
      `${start}\n${stderr}`,
    );
  assert.equal(lines.length, starts.length);
});

test('mistakes of usage end with code 2', async () => {
  for (const words of [['enqueue'], ['sevre'], ['serve', '--queues']]) {
    const { code, stderr } = await runCli(words);
    assert.equal(code, 2, words.join(' '));
    assert.notEqual(stderr, '');
  }
});

test('serve runs what enqueue enqueues, answers over HTTP, and ends with 0 on SIGTERM', async () => {
  const env = { REDIS_URL: redis.url };
  const serve = startCli(
    ['serve', '--handlers', handlersFolder(), '--http-port', '0', '--concurrency', '1'],
    { env },
  );
  const started: Record<string, unknown> = JSON.parse(await serve.line('"started"'));
  assert.equal(started['threads'], 1);
  assert.equal(started['concurrencySource'], 'set by --concurrency');
  const { url }: { url: string } = JSON.parse(await serve.line('HTTP server listens'));
  assert.equal((await fetch(`${url}/readyz`)).status, 200);
  assert.equal((await fetch(`${url}/healthz`)).status, 200);

  const words = ['enqueue', 'measure', '--payload', 'top secret', '--retention', '1h', '--json'];
  const enqueued = await runCli(words, { env });
  assert.equal(enqueued.code, 0, enqueued.stderr);
  const info: Record<string, unknown> = JSON.parse(enqueued.stdout);
  assert.deepEqual(
    [info['type'], info['state'], info['payload']],
    ['measure', 'pending', 'top secret'],
  );
  assert.match(await serve.line('measured'), new RegExp(String(info['id'])));
  const metrics = async (): Promise<string> => (await fetch(`${url}/metrics`)).text();
  while (
    !(await metrics()).includes(
      'threadmill_tasks_processed_total{queue="default",type="measure"} 1',
    )
  );
  serve.child.kill('SIGTERM');
  const { code, signal, stdout, stderr } = await serve.ended;
  assert.deepEqual([code, signal, stderr], [0, null, '']);
  assert.ok(!stdout.includes('top secret'), 'no payloads at info level');
});

test('a port in use ends serve with one clear line and code 1', async () => {
  const blocker = createServer().listen(0, '127.0.0.1');
  await once(blocker, 'listening');
  const { port } = blocker.address() as AddressInfo;
  const env = { REDIS_URL: redis.url, HTTP_PORT: String(port), LOG_LEVEL: 'silent' };
  const { code, stdout, stderr } = await runCli(['serve'], { env });
  blocker.close();
  assert.equal(code, 1);
  assert.equal(stdout, '');
  assert.match(
    stderr,
    new RegExp(`^threadmill: ERR_PORT_IN_USE: port ${port} on 127.0.0.1 is in use: .*\n$`),
  );
});

test('a Redis that is away ends serve with one clear line and code 1, and a stack when debugging', async () => {
  const env = {
    REDIS_URL: 'redis://:s3cret@127.0.0.1:1',
    CONNECT_TIMEOUT: '300',
    HTTP_PORT: 'off',
  };
  const { code, stderr } = await runCli(['serve'], { env });
  assert.equal(code, 1);
  assert.match(stderr, /^threadmill: ERR_REDIS_UNREACHABLE: .*\n$/);
  const debug = await runCli(['serve', '--log-level', 'debug'], { env });
  assert.match(debug.stderr, /\n {4}at /);
  assert.doesNotMatch(stderr + debug.stdout + debug.stderr, /s3cret/);
});

test('without REDIS_URL serve starts a Redis of its own, which enqueue in the same folder finds', async () => {
  const cwd = emptyFolder();
  const env = { HTTP_PORT: 'off', HANDLERS: handlersFolder() };
  const serve = startCli(['serve'], { cwd, env });
  await serve.line('"started"');
  const { code, stdout, stderr } = await runCli(['enqueue', 'measure'], { cwd });
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /^enqueued measure as \S+ in queue default \(pending\)\n$/);
  await serve.line('measured');
  serve.child.kill('SIGINT');
  assert.equal((await serve.ended).code, 0);
});

test('enqueue without any Redis says what to do', async () => {
  const { code, stderr } = await runCli(['enqueue', 'x']);
  assert.equal(code, 2);
  assert.match(stderr, /REDIS_URL .*threadmill must be running in this folder/);
});

test('enqueue passes every option on', async () => {
  const words = [
    '--queue',
    'low',
    '--max-retry',
    'Infinity',
    '--timeout',
    '90s',
    '--task-id',
    'mine',
    '--process-in',
    '1h',
  ];
  const more = [
    '--header',
    'a=b=c',
    '--header',
    'd=',
    '--deadline',
    '2099-01-01T00:00:00Z',
    '--retention',
    '2h',
    '--json',
  ];
  const file = join(emptyFolder(), 'payload.bin');
  writeFileSync(file, Buffer.from([0xff, 0x00]));
  const { stdout, stderr } = await runCli([
    'enqueue',
    'x:y',
    ...words,
    ...more,
    '--payload-file',
    file,
    '--redis-url',
    redis.url,
  ]);
  assert.equal(stderr, '');
  const { nextProcessAt, ...info }: Record<string, unknown> = JSON.parse(stdout);
  assert.ok(Date.parse(String(nextProcessAt)) > Date.now() + 3_500_000);
  assert.deepEqual(info, {
    id: 'mine',
    type: 'x:y',
    queue: 'low',
    headers: { a: 'b=c', d: '' },
    state: 'scheduled',
    maxRetry: 'Infinity',
    retried: 0,
    timeout: 90_000,
    deadline: '2099-01-01T00:00:00.000Z',
    retention: 7_200_000,
    payloadBase64: '/wA=',
  });
});

test('enqueue names wrong options as flags, and a conflict by its code', async () => {
  const env = { REDIS_URL: redis.url };
  const wrong = await runCli(
    ['enqueue', 'x', '--max-retry', '-1', '--process-at', 'soon', '--timeout', 'x'],
    { env },
  );
  assert.equal(wrong.code, 2);
  for (const flag of ['--max-retry is "-1"', '--process-at is "soon"', '--timeout is "x"']) {
    assert.ok(wrong.stderr.includes(flag), wrong.stderr);
  }
  assert.equal((await runCli(['enqueue', 'x', '--max-rety', '1'], { env })).code, 2);
  assert.equal(
    (await runCli(['enqueue', 'x', '--payload', 'a', '--payload-file', 'b'], { env })).code,
    2,
  );
  assert.equal((await runCli(['enqueue', 'x', '--payload-file', 'nope'], { env })).code, 2);
  assert.equal((await runCli(['enqueue', 'x', '--header', 'nope'], { env })).code, 2);
  await runCli(['enqueue', 'x', '--task-id', 'twice'], { env });
  const conflict = await runCli(['enqueue', 'x', '--task-id', 'twice'], { env });
  assert.equal(conflict.code, 1);
  assert.match(conflict.stderr, /^threadmill: ERR_TASK_ID_CONFLICT: .*\n$/);
});

test('a reader that goes away does not break the command', async () => {
  const run = startCli(['serve', '--help']);
  run.child.stdout.destroy();
  const { code, stderr } = await run.ended;
  assert.deepEqual([code, stderr], [0, '']);
});

test('a second serve in the folder shares the Redis of the first, takes a free HTTP port, and outlives it', async () => {
  const cwd = emptyFolder();
  const handlers = handlersFolder();
  const serve = (): ReturnType<typeof startCli> =>
    startCli(['serve', '--handlers', handlers, '--concurrency', '1'], { cwd });
  const first = serve();
  await first.line('"msg":"started"');
  const second = serve();
  await second.line('"msg":"started"');
  const address = (line: string): unknown => (JSON.parse(line) as { redisUrl: unknown }).redisUrl;
  assert.equal(
    address(await second.line('Redis address')),
    address(await first.line('Redis address')),
  );
  await second.line('HTTP port in use');
  first.child.kill('SIGTERM');
  assert.equal((await first.ended).code, 0);
  const { code, stdout, stderr } = await runCli(['enqueue', 'measure', '--payload', 'abc'], {
    cwd,
  });
  assert.equal(code, 0, `${stdout}${stderr}`);
  await second.line('measured');
  second.child.kill('SIGTERM');
  assert.equal((await second.ended).code, 0);
});
