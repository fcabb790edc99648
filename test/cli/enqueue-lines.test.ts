import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { until } from '../helpers/server.ts';
import { useRedis } from '../helpers/redis.ts';
import { type CliResult, startCli } from './process.ts';

const redis = await useRedis();
const env = { REDIS_URL: redis.url };

function enqueueLines(text: string | Buffer, ...words: string[]): Promise<CliResult> {
  const run = startCli(['enqueue', '--stdin', ...words], { env });
  run.child.stdin.end(text);
  return run.ended;
}

const pendingOf = (queue: string): Promise<string[]> =>
  redis.client.lrange(`asynq:{${queue}}:pending`, 0, -1);

test('a task per line is enqueued, in the order of the lines', async () => {
  const lines = ['a', 'b', 'c'].map((taskId) =>
    JSON.stringify({ type: 't', taskId, payload: { taskId } }),
  );
  const { code, stdout, stderr } = await enqueueLines(`\uFEFF${lines.join('\n')}`, '--queue', 'l1');
  assert.deepEqual([code, stdout, stderr], [0, 'enqueued 3 of 3 lines\n', '']);
  assert.deepEqual(await pendingOf('l1'), ['c', 'b', 'a']);
});

test('bad lines are reported with their numbers, and the others go on', async () => {
  const lines = [
    '{"payload":"text"}',
    '',
    '{"payload',
    '[1]',
    '{"type":"t","maxRety":3}',
    '{"payload":1,"payloadBase64":"/w=="}',
    '{"payloadBase64":"%"}',
    '{"type":"own","taskId":"same","queue":"l3"}',
    '{"type":"own","taskId":"same","queue":"l3","processAt":"2099-01-01T00:00:00Z"}',
  ];
  const text = Buffer.concat([Buffer.from(`${lines.join('\n')}\n`), Buffer.from([255, 10])]);
  const { code, stdout, stderr } = await enqueueLines(text, 'dflt', '--queue', 'l2');
  assert.equal(code, 1);
  assert.equal(stdout, 'enqueued 2 of 9 lines, 7 failed\n');
  const reports = stderr.trimEnd().split('\n');
  const starts = [
    'line 3: not JSON: ',
    'line 4: not a JSON object',
    'line 5: maxRety is 3, accepts nothing: there is no such option, did you mean maxRetry?',
    'line 6: payload and payloadBase64 cannot stand together',
    'line 7: payloadBase64 is not base64',
    'line 9: ERR_TASK_ID_CONFLICT: ',
    'line 10: not UTF-8',
  ];
  assert.equal(reports.length, starts.length, stderr);
  starts.forEach((start, at) => assert.ok(reports[at]?.startsWith(start), reports[at]));
  assert.equal((await pendingOf('l2')).length, 1);
});

test('--json prints one result per line of input, and the summary beside it', async () => {
  const text = '{"type":"t","processIn":"1h"}\nnope\n{"type":"u"}\n';
  const { code, stdout, stderr } = await enqueueLines(text, '--json', '--queue', 'l4');
  assert.equal(code, 1);
  const results: Record<string, unknown>[] = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    results.map((each) => [each['line'], each['type'], each['state'], typeof each['error']]),
    [
      [1, 't', 'scheduled', 'undefined'],
      [2, undefined, undefined, 'object'],
      [3, 'u', 'pending', 'undefined'],
    ],
  );
  assert.match(stderr, /enqueued 2 of 3 lines, 1 failed\n$/);
});

test('tasks are enqueued while the writer goes on, and Ctrl-C says how far it came', async () => {
  const run = startCli(['enqueue', 't', '--stdin', '--queue', 'l5'], { env });
  run.child.stdin.write('{}\n{}\n{"half":');
  await until(async () => (await pendingOf('l5')).length === 2, 60_000);
  run.child.kill('SIGINT');
  const { code, stdout } = await run.ended;
  assert.deepEqual(
    [code, stdout],
    [130, 'enqueued 2 of 2 lines; stopped before the end of the input\n'],
  );
});

test('a reader that goes away ends the output, not the work', async () => {
  const run = startCli(['enqueue', 't', '--stdin', '--json', '--queue', 'l6'], { env });
  const first = '{}\n'.repeat(10);
  run.child.stdin.write(first);
  await once(run.child.stdout, 'data');
  run.child.stdout.destroy();
  run.child.stdin.end('{}\n'.repeat(5_000));
  const { code, stderr } = await run.ended;
  assert.deepEqual([code, stderr], [0, 'enqueued 5,010 of 5,010 lines\n']);
  assert.equal((await pendingOf('l6')).length, 5_010);
});

test('without Redis it stops at once, and says which lines are not enqueued', async () => {
  const words = ['enqueue', 't', '--stdin', '--redis-url', 'redis://127.0.0.1:1'];
  const run = startCli([...words, '--connect-timeout', '200']);
  run.child.stdin.on('error', () => undefined); // it goes away before it has read all
  run.child.stdin.end('{}\n'.repeat(200_000));
  const { code, stdout, stderr } = await run.ended;
  assert.equal(code, 1);
  assert.match(stderr, /^lines 1 to [\d]+: ERR_REDIS_UNREACHABLE: [^\n]*\n$/);
  assert.match(stdout, /^enqueued 0 of [\d,]+ lines, .* stopped before the end of the input\n$/);
});

test('what can only be meant for one task is refused', async () => {
  for (const flags of [
    ['--task-id', 'x'],
    ['--payload', 'x'],
    ['--payload-file', 'x'],
  ]) {
    const { code, stderr } = await enqueueLines('{}', 't', ...flags);
    assert.equal(code, 2);
    assert.match(stderr, new RegExp(`^threadmill: ${flags[0]} is for one task`));
  }
});
