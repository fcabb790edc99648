import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { completionScript, type Shell } from '../../src/cli/completion/script.ts';
import { createProgram } from '../../src/cli/program.ts';
import { runHere } from './in-process.ts';
import { emptyFolder, runCli } from './process.ts';

const folder = emptyFolder();
/** The file with the script of each shell. */
const scripts = new Map<Shell, string>();

const hasShell = (shell: Shell): boolean => spawnSync(shell, ['--version']).status === 0;
const skipWithout = (shell: Shell): { skip: string | false } => ({
  skip: hasShell(shell) ? false : `${shell} is not installed`,
});

before(() => {
  const nothing = (): void => undefined;
  const program = createProgram({
    env: {},
    cwd: '/',
    print: nothing,
    printError: nothing,
    fail: nothing,
  });
  for (const shell of ['bash', 'zsh', 'fish'] as const) {
    const file = join(folder, shell);
    writeFileSync(file, completionScript(shell, program));
    scripts.set(shell, file);
  }
});

/** What bash offers for these words, of which the last is unfinished. */
function inBash(...words: string[]): string[] {
  const lines = [
    `source ${scripts.get('bash')}`,
    'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _threadmill; printf "%s\\n" "${COMPREPLY[@]}"',
  ];
  const shell = ['-c', lines.join('\n'), 'bash', 'threadmill', ...words];
  return execFileSync('bash', shell, { encoding: 'utf8' }).trimEnd().split('\n');
}

test('every script is one that its shell can read', (context) => {
  for (const [shell, file] of scripts) {
    if (!hasShell(shell)) context.diagnostic(`${shell} is not installed`);
    else assert.equal(spawnSync(shell, ['-n', file]).stderr.toString(), '', shell);
  }
});

test('bash completes commands, flags, states and files', skipWithout('bash'), () => {
  assert.deepEqual(inBash('ser'), ['serve', 'server']);
  assert.deepEqual(inBash('task', 'arch'), ['archive', 'archiveall']);
  assert.deepEqual(inBash('task', 'ls', '--js'), ['--json']);
  assert.deepEqual(inBash('task', 'rm', '--state', 'ar'), ['archived']);
  assert.deepEqual(inBash('task', 'list', '-s', 'a'), ['active', 'archived', 'aggregating']);
  assert.deepEqual(inBash('task', 'list', '--state', '=', 'co'), ['completed']);
  assert.deepEqual(inBash('enqueue', 'x', '--config', '/et'), ['/etc']);
  assert.deepEqual(inBash('completion', 'z'), ['zsh']);
  assert.deepEqual(inBash('task', 'list', '--queue', ''), ['']);
});

test(
  'bash completes in a shell that is told so as the help says',
  skipWithout('bash'),
  async () => {
    const { code, stdout } = await runCli(['completion', 'bash']);
    assert.equal(code, 0);
    const told = execFileSync('bash', ['-c', `${stdout}\ncomplete -p threadmill`]);
    assert.equal(told.toString(), 'complete -F _threadmill threadmill\n');
  },
);

test('fish completes commands, flags and states', skipWithout('fish'), () => {
  const inFish = (line: string): string[] => {
    const command = `source ${scripts.get('fish')}; complete -C ${JSON.stringify(line)}`;
    const text = execFileSync('fish', ['--no-config', '-c', command], { encoding: 'utf8' });
    return text
      .trim()
      .split('\n')
      .map((offer) => offer.split('\t')[0] ?? '');
  };
  assert.deepEqual(inFish('threadmill task arch'), ['archive', 'archiveall']);
  assert.deepEqual(inFish('threadmill task rm --state ar'), ['archived']);
  assert.deepEqual(inFish('threadmill queue ls --js'), ['--json']);
});

test('a shell that there is no script for is refused', async () => {
  const { code, stderr } = await runHere(['completion', 'tcsh']);
  assert.equal(code, 2);
  assert.match(stderr, /Allowed choices are bash, zsh, fish/);
});
