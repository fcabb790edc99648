import assert from 'node:assert/strict';
import { test } from 'node:test';
import { message, nobodys, useBroker } from '../broker/tasks.ts';
import type { QueueState } from '../helpers/queue-state.ts';
import { queueState } from '../helpers/queue-state.ts';
import { runHere } from './in-process.ts';
import { type CliResult, runCli } from './process.ts';

const { client, redis, seed } = await useBroker();
const env = { REDIS_URL: redis.url };
const now = Math.floor(Date.now() / 1000);

/** Archived tasks A, B, … each with its own payload and error, archived so many seconds ago. */
async function seedArchived(ages: Readonly<Record<string, number>>): Promise<void> {
  const entries = Object.entries(ages);
  const tasks = entries.map(([id, age]) => {
    const payload = Buffer.from(JSON.stringify({ user: { id: age } }));
    const fields = { type: `mail:${id}`, errorMsg: `failed with ${id}`, payload };
    return [id, { msg: message(id, fields), state: 'archived' }] as const;
  });
  await seedQueue({
    archived: Object.fromEntries(entries.map(([id, age]) => [id, now - age])),
    tasks: Object.fromEntries(tasks),
  });
}

async function seedQueue(parts: Partial<QueueState>): Promise<void> {
  await seed(parts);
  await client.sadd('asynq:queues', 'q');
}

const task = (verb: string, ...words: string[]): Promise<CliResult> =>
  runCli(['task', verb, '-q', 'q', ...words], { env });

const archived = async (): Promise<string[]> =>
  Object.keys((await queueState(client, 'q')).archived).sort();

test('tasks are run and deleted by their IDs; those that cannot be are reported, with code 1', async () => {
  await seedArchived({ A: 1, B: 2, C: 3 });
  const run = await task('run', 'A', '-i', 'nope');
  assert.deepEqual([run.code, run.stdout], [1, 'made pending: 1 task\n']);
  assert.match(run.stderr, /^threadmill: ERR_TASK_NOT_FOUND: [^\n]*"nope"[^\n]*\n$/);
  assert.deepEqual((await queueState(client, 'q')).pending, ['A']);
  const gone = await task('rm', 'B', '--yes', '--json');
  const result: Record<string, unknown> = JSON.parse(gone.stdout);
  assert.deepEqual(
    [gone.code, result['changed'], result['failures'], result['isStopped']],
    [0, 1, [], false],
  );
  assert.deepEqual(await archived(), ['C']);
});

test('tasks are chosen by state and filters, which must all hold', async () => {
  await seedArchived({ A: 7200, B: 7200, C: 5 });
  const choose = (...filters: string[]): Promise<CliResult> =>
    task('delete', '--yes', '--state', 'archived', ...filters);
  const none = await choose('--type', 'mail:*', '--error', 'with A', '--payload', 'user.id=5');
  assert.deepEqual([none.code, none.stdout], [1, 'deleted: 0 tasks\n']);
  assert.equal((await choose('--error', 'with A', '--older-than', '1h')).code, 0);
  assert.deepEqual(await archived(), ['B', 'C']);
  assert.equal((await choose('--payload', 'user.id=5')).code, 0);
  assert.deepEqual(await archived(), ['B']);
  assert.equal((await choose('--type', 'mail:*')).code, 0);
  assert.deepEqual(await archived(), []);
});

test('runall, archiveall and deleteall act on a whole state, of which there may be none', async () => {
  await seedArchived({ A: 1, B: 2 });
  const run = await task('runall', '-s', 'archived');
  assert.deepEqual([run.code, run.stdout], [0, 'made pending: 2 tasks\n']);
  const archive = await task('archiveall', '-s', 'pending', '--yes');
  assert.deepEqual([archive.code, archive.stdout], [0, 'archived: 2 tasks\n']);
  const gone = await task('deleteall', '-s', 'archived', '-y');
  assert.deepEqual([gone.code, gone.stdout], [0, 'deleted: 2 tasks\n']);
  const none = await task('deleteall', '-s', 'archived', '-y');
  assert.deepEqual([none.code, none.stdout], [0, 'deleted: 0 tasks\n']);
});

test('what cannot be taken back is refused without --yes where nobody can be asked', async () => {
  await seedArchived({ A: 1 });
  const cases = [
    [['delete', 'A'], 'Delete 1 task of queue "q"?'],
    [['deleteall', '-s', 'archived'], 'Delete all 1 archived tasks of queue "q"?'],
    [
      ['delete', '-s', 'archived', '--type', 'x'],
      'Delete those of the 1 archived tasks of queue "q" that match?',
    ],
  ] as const;
  for (const [[verb, ...words], question] of cases) {
    const { code, stdout, stderr } = await task(verb, ...words);
    assert.deepEqual([code, stdout], [2, '']);
    assert.ok(stderr.startsWith(`threadmill: ${question} Without a terminal`), stderr);
  }
  assert.deepEqual(await archived(), ['A']);
});

test('a selection that says nothing, or too much, is refused with code 2', async () => {
  const cases: [string, string[], RegExp][] = [
    ['run', [], /name tasks by their IDs, or choose them by --state/],
    ['run', ['--type', 'x'], /choose them by --state/],
    ['run', ['A', '-s', 'retry'], /not both/],
    ['run', ['-s', 'active'], /Allowed choices are scheduled, retry/],
    ['delete', ['-s', 'aggregating'], /--state aggregating needs --group/],
    ['delete', ['-s', 'retry', '--payload', 'x'], /--payload is "x", accepts path=value/],
    ['delete', ['-s', 'retry', '--older-than', 'x'], /--older-than is "x", accepts a duration/],
    ['runall', [], /required option '-s, --state/],
  ];
  for (const [verb, words, text] of cases) {
    const { code, stderr } = await runHere(['task', verb, '-q', 'q', ...words], env);
    assert.equal(code, 2, words.join(' '));
    assert.match(stderr, text);
  }
});

test('running tasks are asked to stop by their IDs in any queue, or by a filter', async () => {
  await seedQueue(nobodys(['A', 'B'], now + 60));
  const anywhere = await runCli(['task', 'cancel', 'A', 'nope'], { env });
  assert.deepEqual(
    [anywhere.code, anywhere.stdout, anywhere.stderr],
    [1, 'asked to stop: 1 task\n', 'threadmill: no running task has the ID "nope"\n'],
  );
  const filtered = await task('cancel', '--type', 't');
  assert.deepEqual([filtered.code, filtered.stdout], [0, 'asked to stop: 2 tasks\n']);
});
