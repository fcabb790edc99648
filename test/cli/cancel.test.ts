import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createRedisBroker } from '../../src/broker/redis-broker.ts';
import { Client } from '../../src/index.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { CANCEL_FIELD } from '../../src/wire/task-fields.ts';
import { useRedis } from '../helpers/redis.ts';
import { emptyFolder, runCli } from './process.ts';

const redis = await useRedis();
const env = { REDIS_URL: redis.url };
const client = new Client({ redis: redis.url });
const broker = createRedisBroker({ redis: redis.url, connectTimeoutMs: 2_000 });
after(() => Promise.all([client.close(), broker.close()]));

/** A task that a server has leased, and with it whatever waits in its queue. */
async function running(taskId: string, queue = 'default'): Promise<void> {
  await client.enqueue({ type: 't' }, { taskId, queue });
  await broker.lease({ queue, max: 100, leaseMs: 30_000, server: 'us', firstRun: 1 });
}

test('cancel asks the running tasks of an ID to stop, and says how many', async () => {
  await running('one');
  assert.deepEqual(await runCli(['cancel', 'one'], { env }), {
    code: 0,
    signal: null,
    stdout: 'asked 1 running task to stop\n',
    stderr: '',
  });
  assert.equal(await redis.client.hget(queueKeys('default').task('one'), CANCEL_FIELD), '1');
  await running('one', 'low');
  const two = await runCli(['cancel', 'one', '--redis-url', redis.url]);
  assert.deepEqual([two.code, two.stdout], [0, 'asked 2 running tasks to stop\n']);
});

test('cancel of a task that is not running says so, and ends with code 1', async () => {
  await client.enqueue({ type: 't' }, { taskId: 'waits', queue: 'waiting' });
  for (const id of ['waits', 'a "b"\n']) {
    assert.deepEqual(await runCli(['cancel', id], { env }), {
      code: 1,
      signal: null,
      stdout: `no running task has the ID ${JSON.stringify(id)}\n`,
      stderr: '',
    });
  }
});

test('cancel --json prints one line of JSON, with the same exit codes', async () => {
  await running('json');
  const found = await runCli(['cancel', 'json', '--json'], { env });
  assert.deepEqual([found.code, found.stdout], [0, '{"id":"json","asked":1}\n']);
  const none = await runCli(['cancel', 'none', '--json'], { env });
  assert.deepEqual([none.code, none.stdout], [1, '{"id":"none","asked":0}\n']);
});

test('cancel without any Redis says what to do', async () => {
  const { code, stdout, stderr } = await runCli(['cancel', 'x'], { cwd: emptyFolder() });
  assert.deepEqual([code, stdout], [2, '']);
  assert.match(stderr, /REDIS_URL .*threadmill must be running in this folder/);
});

test('a cancel that is used wrongly ends with code 2', async () => {
  const blank = await runCli(['cancel', ''], { env });
  assert.equal(blank.code, 2);
  assert.match(blank.stderr, /^threadmill: one setting is wrong\n {2}id is "", accepts text/);
  for (const words of [['cancel'], ['cancel', 'x', '--jsno'], ['cancel', 'x', 'y']]) {
    const { code, stdout, stderr } = await runCli(words, { env });
    assert.deepEqual([code, stdout], [2, ''], words.join(' '));
    assert.notEqual(stderr, '');
  }
});

test('--help of cancel shows its flags and examples', async () => {
  const { code, stdout } = await runCli(['cancel', '--help']);
  assert.equal(code, 0);
  for (const text of ['<id>', '--json', '--redis-url', '--config', 'Examples:']) {
    assert.ok(stdout.includes(text), text);
  }
});
