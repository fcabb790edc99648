import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '../../src/index.ts';
import { QUEUES, queueKeys } from '../../src/wire/keys.ts';
import { useRedis } from '../helpers/redis.ts';
import { runCli } from './process.ts';

const redis = await useRedis({ args: ['--appendonly', 'yes'] });
const env = { REDIS_URL: redis.url };
const keys = queueKeys('mail');

/** The last line, as if Redis had answered in time: how fast it does is the machine's. */
function summaryOf(stdout: string): string | undefined {
  const last = stdout.trimEnd().split('\n').at(-1);
  if (!/^warning +latency /m.test(stdout)) return last;
  return last
    ?.replace('1 warning, ', '')
    .replace(/(\d+) ok$/, (_, count) => `${Number(count) + 1} ok`);
}

test('doctor of a Redis in which nothing is wrong ends with code 0', async () => {
  await redis.client.flushall();
  const { code, stdout, stderr } = await runCli(['doctor'], { env });
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /^ok +redis-version +redis \d/);
  assert.equal(summaryOf(stdout), '24 ok');
  assert.equal(stdout.includes('\x1b'), false);
});

test('doctor names what is wrong and what to do, ends with code 1, and changes nothing; --fix mends it and says so', async () => {
  await redis.client.flushall();
  await redis.client.sadd(QUEUES, 'mail');
  await redis.client.zadd(keys.archived, Math.floor(Date.now() / 1000), 'ghost\x1b[2J');
  const found = await runCli(['doctor'], { env });
  assert.equal(found.code, 1);
  assert.match(
    found.stdout,
    /PROBLEM +ids-without-hash +queue mail: 1 task ID without a hash: tools of asynq fail/,
  );
  assert.match(found.stdout, /ghost\\u\{1b\}\[2J\n +-> threadmill doctor --fix\n/);
  assert.equal(summaryOf(found.stdout), '1 problem, 23 ok');
  assert.equal(await redis.client.zcard(keys.archived), 1);
  const fixed = await runCli(['doctor', '--fix'], { env });
  assert.equal(fixed.code, 0);
  assert.match(
    fixed.stdout,
    /mended +ids-without-hash +queue mail: removed 1 task ID without a hash\n/,
  );
  assert.equal(await redis.client.zcard(keys.archived), 0);
  assert.equal((await runCli(['doctor'], { env })).code, 0);
});

test('doctor --json prints one line with the findings', async () => {
  await redis.client.flushall();
  const client = new Client({ redis: redis.url });
  await client.enqueue({ type: 't' }, { queue: 'mail' });
  await client.close();
  const { code, stdout } = await runCli(['doctor', '--json'], { env });
  assert.equal(code, 1);
  assert.equal(stdout.trim().split('\n').length, 1);
  const { status, findings } = JSON.parse(stdout) as {
    status: string;
    findings: { check: string; status: string; queue?: string; count?: number; advice?: string }[];
  };
  assert.equal(status, 'problem');
  const [found, ...others] = findings.filter(
    (each) => each.status !== 'ok' && each.check !== 'latency', // that is the machine's
  );
  assert.deepEqual(others, []);
  assert.deepEqual(
    [found?.check, found?.queue, found?.count, found?.advice],
    ['unserved-queues', 'mail', 1, 'threadmill serve --queues mail=1'],
  );
});

test('doctor that cannot look, or is used wrongly, ends with code 2', async () => {
  const away = await runCli(['doctor', '--connect-timeout', '200'], {
    env: { REDIS_URL: 'redis://127.0.0.1:1' },
  });
  assert.deepEqual([away.code, away.stdout], [2, '']);
  assert.match(away.stderr, /ERR_REDIS_UNREACHABLE/);
  assert.equal((await runCli(['doctor', '--fixx'], { env })).code, 2);
});

test('what the user of the connection may not look at is said, and does not keep the rest from being looked at', async () => {
  await redis.client.flushall();
  await redis.client.call(
    'ACL',
    'SETUSER',
    'half',
    'on',
    '>pw',
    '~*',
    '&*',
    '+@all',
    '-scan',
    '-config',
  );
  const url = redis.url.replace('://', '://half:pw@');
  const { code, stdout } = await runCli(['doctor'], { env: { REDIS_URL: url } });
  assert.equal(code, 2);
  assert.match(stdout, /unknown +leaked-locks +could not look: .*NOPERM/);
  assert.match(stdout, /ok +stuck-tasks/);
  assert.match(stdout, /ok +persistence/);
});
