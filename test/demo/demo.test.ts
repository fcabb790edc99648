import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { packageRoot } from '../helpers/paths.ts';

interface Ending {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const scratch = mkdtempSync(join(tmpdir(), 'threadmill-demo-test-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** Runs the demo with a temporary folder of its own, so that what it leaves can be seen. */
async function demo(
  args: readonly string[],
  onOutput?: (stop: () => void) => void,
): Promise<Ending> {
  const program = join(packageRoot, 'dist', 'demo', 'demo.js');
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, TMPDIR: scratch },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    onOutput?.(() => child.kill('SIGINT'));
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

function ownFiles(name: string, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(scratch, name));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  return folder;
}

test('own files are worked on, the results lie where it says, and nothing else is left', async () => {
  const input = ownFiles('own-', { 'a.txt': 'the cat and the hat', 'b.md': 'the end' });
  copyFileSync(
    join(packageRoot, 'demo', 'samples', 'photos', 'rocket.jpg'),
    join(input, 'rocket.jpg'),
  );
  const { code, stdout, stderr } = await demo(['--input', input]);
  assert.equal(code, 0, stderr);
  assert.ok(!stdout.includes('\u001b'), 'no escape codes in a pipe');
  for (const wanted of [
    /task type .*succeeded/,
    /times as fast/,
    /threadmill_tasks_processed_total/,
  ]) {
    assert.match(stdout, wanted);
  }
  assert.match(stdout, /│ all +│ +15 │ +3 │ +3 │ +0 │/);
  const results = /Results: (.*)/.exec(stdout)?.[1] ?? '';
  const words = readdirSync(results).find((file) => file.endsWith('a.txt.words-1.json')) ?? '';
  const report = JSON.parse(readFileSync(join(results, words), 'utf8')) as { top: unknown[] };
  assert.deepEqual(report.top[0], { text: 'the', count: 2 });
  assert.ok(readdirSync(results).some((file) => file.endsWith('rocket.jpg.160.jpg')));
  assert.ok(!existsSync(join(results, '..', 'one-thread')));
});

test('a damaged file fails for good and is shown, and the demo is done all the same', async () => {
  const input = ownFiles('bad-', { 'broken.png': 'no picture at all' });
  const { code, stdout } = await demo(['--input', input]);
  assert.equal(code, 0);
  assert.match(stdout, /archived: image:thumbnail: .*neither a JPEG nor a PNG/);
  assert.match(stdout, /│ image:thumbnail │ +0 │/);
});

test('wrong words end it with exit code 2 and one line', async () => {
  for (const [args, message] of [
    [['--input', join(scratch, 'nowhere')], /is not a folder\n$/],
    [['--imput', 'x'], /unknown option '--imput'/],
  ] as const) {
    const { code, stderr } = await demo(args);
    assert.equal(code, 2);
    assert.match(stderr, message);
    assert.match(stderr, /^demo: /);
  }
});

test('Ctrl-C ends it cleanly, its Redis and its half results included', async () => {
  const before = readdirSync(scratch);
  const { code, stderr } = await demo([], (stop) => stop());
  assert.equal(code, 130);
  assert.match(stderr, /interrupted/);
  const left = readdirSync(scratch);
  assert.deepEqual(left, before);
});
