import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { packageRoot } from '../helpers/paths.ts';

interface Ending {
  readonly code: number | null;
  readonly output: string;
}

/** Where clones lie, and what the commands leave under the temporary folder: the demo keeps its results. */
const scratch = mkdtempSync(join(tmpdir(), 'threadmill-fresh-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** The repository as a clone has it: without packages, without a build. */
function freshClone(): string {
  const clone = mkdtempSync(join(scratch, 'clone-'));
  const isMade = (name: string): boolean =>
    /^(\.git|node_modules|\.?dist(-.*)?|coverage|\.threadmill)$/.test(name);
  for (const name of readdirSync(packageRoot).filter((entry) => !isMade(entry))) {
    cpSync(join(packageRoot, name), join(clone, name), { recursive: true });
  }
  return clone;
}

async function run(cwd: string, program: string, ...args: string[]): Promise<Ending> {
  // What this test run was called with must not reach the one inside.
  const { NODE_TEST_CONTEXT: _, NODE_OPTIONS: __, REDIS_URL: ___, ...env } = process.env;
  const child = spawn(program, args, {
    cwd,
    env: { ...env, npm_config_prefer_offline: 'true', TMPDIR: scratch },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const [code] = await once(child, 'close');
  return { code, output };
}

test('on a fresh clone two commands at once install and build once, and both do their job', async () => {
  const clone = freshClone();
  const [tests, demo] = await Promise.all([
    run(clone, 'npm', 'test', '--', 'wire/keys'),
    run(clone, 'npm', 'run', 'demo'),
  ]);
  assert.equal(tests.code, 0, tests.output);
  assert.match(tests.output, /fail 0/);
  assert.equal(demo.code, 0, demo.output);
  const installs = `${tests.output}${demo.output}`.match(/Installing packages/g) ?? [];
  assert.equal(installs.length, 1, 'one of them installs, the other one waits');
  assert.deepEqual(
    readdirSync(clone).filter((name) => /^\.?dist/.test(name)),
    ['dist'],
  );
  assert.equal(existsSync(join(clone, '.threadmill', 'build.lock')), false);
});

test('a Node that is too old is told in one line', async () => {
  const old = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.18.3' } });`;
  const script = `${old} import(${JSON.stringify(join(packageRoot, 'scripts', 'first-run.mjs'))})`;
  const { code, output } = await run(packageRoot, process.execPath, '-e', script);
  assert.equal(code, 1);
  assert.match(output, /^Threadmill needs Node\.js 20\.19 or later; this is v[\d.]+\.\n$/);
});

test('an unknown command is told with the known ones', async () => {
  const { code, output } = await run(
    packageRoot,
    process.execPath,
    'scripts/first-run.mjs',
    'stat',
  );
  assert.equal(code, 2);
  assert.match(
    output,
    /^unknown command "stat": use one of start, demo, bench, endurance, chaos, test:interop, test, check\n$/,
  );
});
