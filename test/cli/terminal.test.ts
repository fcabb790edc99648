import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Client } from '../../src/index.ts';
import { useRedis } from '../helpers/redis.ts';
import { runCli } from './process.ts';
import { NO_TERMINAL, onTerminal } from './terminal.ts';

const redis = await useRedis();
const env = { REDIS_URL: redis.url };
const client = new Client({ redis: redis.url });
after(() => client.close());
const onlyWithTerminal = { skip: NO_TERMINAL };

const pending = (): Promise<number> => redis.client.llen('asynq:{default}:pending');

test(
  'a destructive command asks, and does nothing unless the answer is yes',
  onlyWithTerminal,
  async () => {
    for (const id of ['A', 'B']) await client.enqueue({ type: 't' }, { taskId: id });
    const words = ['task', 'deleteall', '-s', 'pending'];
    for (const [answer, code, left, text] of [
      ['n\n', 1, 2, 'nothing was deleted'],
      ['\u0003', 1, 2, 'nothing was deleted'],
      ['\u0004', 1, 2, 'nothing was deleted'],
      ['\n', 1, 2, 'nothing was deleted'],
      ['y\n', 0, 0, 'deleted: 2 tasks'],
    ] as const) {
      const run = onTerminal(words, env);
      await run.shows('Delete all 2 pending tasks of queue "default"?');
      run.type(answer);
      const { code: found, screen } = await run.ended;
      assert.equal(found, code, JSON.stringify([answer, screen]));
      assert.ok(screen.includes(text), screen);
      assert.equal(await pending(), left);
    }
  },
);

test(
  'colours are for a terminal, unless NO_COLOR is set; a table fits into 80 columns',
  onlyWithTerminal,
  async () => {
    await client.enqueue({ type: 't', payload: 'x'.repeat(500) }, { taskId: 'wide' });
    const words = ['task', 'list', '-s', 'pending'];
    const [coloured, plain, piped] = await Promise.all([
      onTerminal(words, env).ended,
      onTerminal(words, { ...env, NO_COLOR: '1' }).ended,
      runCli(words, { env: { ...env, FORCE_COLOR: '1' } }),
    ]);
    assert.ok(coloured.screen.includes('\u001b[1mID'), coloured.screen);
    assert.ok(!plain.screen.includes('\u001b'), plain.screen);
    const lines = plain.screen.split(/\r?\n/);
    assert.ok(lines.some((line) => line.startsWith('wide  t     xxx') && line.endsWith('…')));
    for (const line of lines) assert.ok(line.length <= 80, line);
    assert.ok(!piped.stdout.includes('\u001b'));
    assert.ok(piped.stdout.includes('x'.repeat(500)));
  },
);

test('a bar shows the progress on a terminal', onlyWithTerminal, async () => {
  const run = onTerminal(['enqueue', 't', '--stdin', '--queue', 'typed'], env);
  await run.shows('end them with Ctrl-D');
  run.type('{}\n');
  await run.shows('1 lines');
  run.type('\u0004');
  const { code, screen } = await run.ended;
  assert.equal(code, 0);
  assert.ok(screen.includes('enqueued 1 of 1 line'));
});
