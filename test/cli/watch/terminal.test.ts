/** The live view on a real pseudo-terminal, which `script` of util-linux makes. */
import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client, Inspector } from '../../../src/index.ts';
import { useRedis } from '../../helpers/redis.ts';
import { until } from '../../helpers/server.ts';
import { runCli, startCli } from '../process.ts';

const MAIN = fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url));
const ENTER = '\x1b[?1049h';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const LONG_MS = 60_000;

const redis = await useRedis();
const client = new Client({ redis: redis.url });
const inspector = new Inspector({ redis: redis.url });
after(() => Promise.all([client.close(), inspector.close()]));
await client.enqueue({ type: 't' }, { queue: 'critical' });

interface Terminal {
  readonly child: ChildProcessWithoutNullStreams;
  /** All that was written to it. */
  text(): string;
  ended(): Promise<number | null>;
}

/** Runs a command line of `sh` on a terminal of 80x24; `$WATCH` is the command. */
function onTerminal(line: string): Terminal {
  const command = `stty rows 24 columns 80; WATCH="${process.execPath} ${MAIN} watch"; ${line}`;
  const child = spawn('script', ['-qefc', command, '/dev/null'], {
    env: { PATH: process.env['PATH'], TERM: 'xterm', SHELL: '/bin/sh', REDIS_URL: redis.url },
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  after(() => child.kill('SIGKILL'));
  const closed = once(child, 'close');
  return {
    child,
    text: () => text,
    ended: async () => {
      await closed;
      return child.exitCode;
    },
  };
}

const shows = (terminal: Terminal, text: string): Promise<void> =>
  until(() => terminal.text().includes(text), LONG_MS);

test('watch shows queues, pauses one by a key, and gives the terminal back as it was when it quits', async () => {
  const terminal = onTerminal('stty -g; $WATCH; echo "code=$?"; stty -g');
  await shows(terminal, '> critical');
  terminal.child.stdin.write('p');
  await shows(terminal, 'paused critical');
  assert.equal((await inspector.queueInfo('critical')).isPaused, true);
  terminal.child.stdin.write('p');
  await shows(terminal, 'resumed critical');
  assert.equal((await inspector.queueInfo('critical')).isPaused, false);
  terminal.child.stdin.write('q');
  await terminal.ended();
  const [before = '', rest = ''] = terminal.text().split(ENTER);
  assert.ok(rest.includes(LEAVE));
  const [code, settings] = (rest.split(LEAVE)[1] ?? '').trim().split(/\r?\n/);
  assert.deepEqual([code, settings], ['code=0', before.trim().split(/\r?\n/).at(-1)]);
});

for (const [signal, code] of [
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const) {
  test(`${signal} ends watch with the terminal given back, and with the signal's own code`, async () => {
    const terminal = onTerminal('echo "pid=$$."; exec $WATCH');
    await shows(terminal, '> critical');
    process.kill(Number(/pid=(\d+)\./.exec(terminal.text())?.[1]), signal);
    assert.equal(await terminal.ended(), code);
    assert.ok(terminal.text().trimEnd().endsWith(LEAVE));
  });
}

test('watch that was put to sleep gives the terminal back, and goes on when it is woken', async () => {
  const terminal = onTerminal('echo "pid=$$."; exec $WATCH');
  await shows(terminal, '> critical');
  const pid = Number(/pid=(\d+)\./.exec(terminal.text())?.[1]);
  process.kill(pid, 'SIGTSTP');
  await shows(terminal, LEAVE);
  const length = terminal.text().length;
  process.kill(pid, 'SIGCONT');
  await until(() => terminal.text().slice(length).includes('> critical'), LONG_MS);
  assert.ok(terminal.text().slice(length).includes(ENTER));
  terminal.child.stdin.write('q');
  assert.equal(await terminal.ended(), 0);
});

test('in a pipe watch prints one line of JSON per look, without colours', async () => {
  const { code, stdout, stderr } = await runCli(['watch', '--count', '2', '--interval', '200ms'], {
    env: { REDIS_URL: redis.url },
  });
  assert.deepEqual([code, stderr], [0, '']);
  const looks = stdout
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  assert.equal(looks.length, 2);
  assert.equal(stdout.includes('\x1b'), false);
  const [look] = looks as { queues: { queue: string; isPaused: boolean; counts: object }[] }[];
  assert.deepEqual(
    look?.queues.map(({ queue, isPaused }) => [queue, isPaused]),
    [['critical', false]],
  );
});

test('lines of JSON end with the one that is being printed when SIGTERM comes', async () => {
  const run = startCli(['watch', '--interval', '200ms'], { env: { REDIS_URL: redis.url } });
  await run.line('critical');
  run.child.kill('SIGTERM');
  const { code, stdout } = await run.ended;
  assert.equal(code, 0);
  assert.ok(stdout.endsWith('}\n'));
});

test('watch that is used wrongly says so and ends with code 2', async () => {
  const env = { REDIS_URL: redis.url };
  const { code, stdout, stderr } = await runCli(['watch', '--interval', '1ms', '--count', '0'], {
    env,
  });
  assert.deepEqual([code, stdout], [2, '']);
  assert.match(stderr, /--interval is "1ms", accepts a duration of 200ms or more/);
  assert.match(stderr, /--count is "0", accepts a number from 1 on/);
});
