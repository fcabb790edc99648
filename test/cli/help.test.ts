import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command } from 'commander';
import { createProgram } from '../../src/cli/program.ts';
import { problemsOf } from '../docs/shell.ts';
import { runHere } from './in-process.ts';
import { startCli } from './process.ts';

const nothing = (): void => undefined;
const program = createProgram({
  env: {},
  cwd: '/',
  print: nothing,
  printError: nothing,
  fail: nothing,
});

/** Every command that does something, with its help. */
function leaves(command: Command): { name: string; help: string }[] {
  if (command.commands.length > 0) return command.commands.flatMap(leaves);
  let help = '';
  command.configureOutput({ writeOut: (text) => (help += text) });
  command.outputHelp();
  return [{ name: command.name(), help }];
}

test('the help of every command has examples, which name what exists', () => {
  const found = leaves(program);
  assert.ok(found.length >= 25);
  for (const { name, help } of found) {
    const [, examples = ''] = /\nExamples:\n([\s\S]*?)(\n\n|$)/.exec(help) ?? [];
    const lines = examples
      .split('\n')
      .map((line) => line.split(/ \| | [<>] |\s{2,}#/)[0]?.trim() ?? '');
    assert.ok(
      lines.some((line) => line.startsWith('threadmill') || line.includes('threadmill ')),
      name,
    );
    for (const line of lines.filter((each) => each.startsWith('threadmill'))) {
      assert.deepEqual(problemsOf(line, []), [], line);
    }
  }
});

test('the help of the program tells the exit codes', async () => {
  const { code, stdout } = await runHere(['--help']);
  assert.equal(code, 0);
  assert.match(
    stdout,
    /Exit codes: 0 done; 1 failed, not found, or nothing matched; 2 used wrongly/,
  );
});

test('a group without a command shows its help, and ends with 2', async () => {
  const { code, stdout, stderr } = await runHere(['queue']);
  assert.deepEqual([code, stdout], [2, '']);
  assert.match(stderr, /inspect \[options\] <queue\.\.\.>/);
});

test('help loads neither the client of Redis nor the library for tables', async () => {
  const env = { NODE_DEBUG: 'esm,module' };
  const { code, stderr } = await startCli(['task', 'delete', '--help'], { env }).ended;
  assert.equal(code, 0);
  assert.match(stderr, /commander/);
  for (const name of ['ioredis', 'cli-table3', 'cli-progress', 'piscina', 'pino']) {
    assert.ok(!stderr.includes(`node_modules/${name}/`), name);
  }
});
