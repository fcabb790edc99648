import assert from 'node:assert/strict';
import { test } from 'node:test';
import { message, useBroker } from '../broker/tasks.ts';
import type { QueueState } from '../helpers/queue-state.ts';
import { runHere } from './in-process.ts';
import { runCli } from './process.ts';
import { rowsOf } from './table.ts';

const { client, redis, seed } = await useBroker();
const env = { REDIS_URL: redis.url };
const now = Math.floor(Date.now() / 1000);

async function seedQueue(parts: Partial<QueueState>): Promise<void> {
  await seed(parts);
  await client.sadd('asynq:queues', 'q');
}

test('task list has the columns of the state, and shows only what can be printed', async () => {
  const retry = { retried: 2, errorMsg: 'bad\nluck', payload: Buffer.from([255]) };
  await seedQueue({
    pending: ['B', 'A'],
    retry: { C: now + 86_400 },
    tasks: {
      A: { msg: message('A', { payload: Buffer.from('{"user":5}') }), state: 'pending' },
      B: { msg: message('B', { payload: Buffer.from('a\u001b[2Jb') }), state: 'pending' },
      C: { msg: message('C', retry), state: 'retry' },
    },
  });
  const list = (...words: string[]): ReturnType<typeof runCli> =>
    runCli(['task', 'list', '-q', 'q', ...words], { env });
  const [pending, retrying, second, empty, json] = await Promise.all([
    list('-s', 'pending'),
    list('--state', 'retry'),
    list('-s', 'pending', '--page', '2', '--size', '1'),
    list('-s', 'archived'),
    list('-s', 'retry', '--json'),
  ]);
  assert.deepEqual(rowsOf(pending.stdout), [
    ['ID', 'TYPE', 'PAYLOAD'],
    ['A', 't', '{"user":5}'],
    ['B', 't', 'non-printable bytes'],
    ['2 pending in queue "q", page 1 of 1'],
  ]);
  const due = retrying.stdout.replace(/in 23h \d+m/, 'in 23h');
  assert.deepEqual(rowsOf(due).slice(0, 2), [
    ['ID', 'TYPE', 'PAYLOAD', 'DUE', 'RETRIED', 'LAST ERROR'],
    ['C', 't', 'non-printable bytes', 'in 23h', '2/25', 'bad\\nluck'],
  ]);
  assert.deepEqual(
    rowsOf(second.stdout).map(([first]) => first),
    ['ID', 'B', '2 pending in queue "q", page 2 of 2'],
  );
  assert.deepEqual([empty.code, empty.stdout], [0, 'no archived tasks in queue "q"\n']);
  const page: { total: number; tasks: Record<string, unknown>[] } = JSON.parse(json.stdout);
  assert.equal(page.total, 1);
  assert.deepEqual(
    [page.tasks[0]?.['id'], page.tasks[0]?.['payloadBase64'], page.tasks[0]?.['lastError']],
    ['C', '/w==', 'bad\nluck'],
  );
});

test('task list that is used wrongly ends with 2, of a queue that is not there with 1', async () => {
  await seedQueue({});
  const cases: [string[], number, RegExp][] = [
    [[], 2, /--state/],
    [['-s', 'waiting'], 2, /Allowed choices are active, pending/],
    [['-s', 'pending', '--size', '0'], 2, /--size is "0", accepts a whole number from 1 to 1000/],
    [['-s', 'aggregating'], 2, /--state aggregating needs --group/],
    [['-s', 'pending', '-g', 'x'], 2, /--group goes with --state aggregating only/],
    [['-s', 'pending', '--jsno'], 2, /unknown option '--jsno'\n\(Did you mean --json\?\)/],
    [['-s', 'pending', '-q', 'nope'], 1, /ERR_QUEUE_NOT_FOUND/],
  ];
  for (const [words, code, text] of cases) {
    const run = await runHere(['task', 'list', ...words], env);
    assert.deepEqual([run.code, run.stdout], [code, ''], words.join(' '));
    assert.match(run.stderr, text);
  }
});

test('task inspect shows all of a task, and ends with 1 for one that is not there', async () => {
  await seedQueue({
    scheduled: { A: now + 86_400 },
    tasks: {
      A: {
        msg: message('A', { payload: Buffer.from('hi'), headers: { a: 'b' } }),
        state: 'scheduled',
      },
    },
  });
  const [both, json] = await Promise.all([
    runCli(['task', 'inspect', '-q', 'q', 'A', '-i', 'nope'], { env }),
    runCli(['task', 'inspect', '-q', 'q', '--id', 'A', '--json'], { env }),
  ]);
  assert.equal(both.code, 1);
  assert.match(both.stderr, /^threadmill: ERR_TASK_NOT_FOUND: queue "q" holds no task "nope"/);
  const pairs = new Map(rowsOf(both.stdout).map(([name = '', value = '']) => [name, value]));
  assert.deepEqual(
    ['type', 'state', 'payload', 'header a', 'retried', 'timeout'].map((name) => pairs.get(name)),
    ['t', 'scheduled', 'hi', 'b', '0 of 25', '30m'],
  );
  assert.match(pairs.get('due') ?? '', /^\d{4}-.*Z \(in 23h \d+m\)$/);
  const [task]: Record<string, unknown>[] = JSON.parse(json.stdout);
  assert.deepEqual([task?.['id'], task?.['payload'], task?.['attempts']], ['A', 'hi', []]);
  const none = await runHere(['task', 'inspect'], env);
  assert.equal(none.code, 2);
});

test('task enqueue takes the flags of asynq, with dashes and with underscores', async () => {
  await seedQueue({});
  const flags = ['-q', 'low', '--id', 'mine', '--retry', '3', '--timeout', '1m30s', '--json'];
  const words = ['task', 'enqueue', '-t', 'mail', '-l', '{"a":1}', '--process_in', '1h', ...flags];
  const { code, stdout, stderr } = await runCli(words, { env });
  assert.deepEqual([code, stderr], [0, '']);
  const task: Record<string, unknown> = JSON.parse(stdout);
  assert.deepEqual(
    ['id', 'type', 'queue', 'payload', 'state', 'maxRetry', 'timeout'].map((name) => task[name]),
    ['mine', 'mail', 'low', '{"a":1}', 'scheduled', 3, 90_000],
  );
  const wrong = await runHere(['task', 'enqueue', '--type_name', 'x', '--retry', 'often'], env);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /\n {2}--retry is "often", accepts /);
  const untyped = await runHere(['task', 'enqueue'], env);
  assert.equal(untyped.code, 2);
});
