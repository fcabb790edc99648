/** The whole of it, in small. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PROGRAM = fileURLToPath(new URL('../../endurance/endurance.js', import.meta.url));

function endurance(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(process.execPath, [PROGRAM, ...args], { encoding: 'utf8' });
}

test('bad tasks of several kinds are survived by serve and by a server in a process of its own', async () => {
  const only = 'throw,late,hang,kill';
  const { stdout, stderr } = await endurance('--times', '2', '--good', '20', '--only', only);
  assert.doesNotMatch(stdout + stderr, /OFF/);
  for (const runtime of ['serve', 'library']) {
    assert.match(stdout, new RegExp(`${runtime} +│ thrown error +│ +2 │ error 2 `));
    assert.match(stdout, new RegExp(`${runtime} +│ exception after the end +│ +2 │ late 2 `));
    assert.match(stdout, new RegExp(`${runtime} +│ hang +│ +2 │ heartbeat_missed 2 `));
  }
  assert.match(
    stdout,
    /serve +│ SIGKILL of the process +│ +2 │ process_died 2 .*1\/1 processes, 2\/2/,
  );
  assert.match(stdout, /serve +│ SIGKILL beside another +│ +1 │ process_died 1 /);
});

test('a kind that does not exist, and a number that is none, are refused', async () => {
  await assert.rejects(endurance('--only', 'throw,nothing'), /no such kind: nothing/);
  await assert.rejects(endurance('--times', '0'), /accepts a whole number/);
});
