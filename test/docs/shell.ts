/** Looks at shell lines without running them: which programs and flags they name, and whether those exist. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProgram } from '../../src/cli/program.ts';
import { SETTINGS } from '../../src/config/settings-table.ts';
import { packageRoot } from '../helpers/paths.ts';

/** Variables that others than Threadmill read. */
const FOREIGN_VARIABLES = new Set(['NODE_ENV']);
/** Programs that are there without us. */
const FOREIGN_PROGRAMS = new Set(['cd', 'mkdir', 'docker', 'systemctl', 'curl']);
const NPM_COMMANDS = new Set(['init', 'pkg', 'install']);

/** The commands of a shell text: comments dropped, `&&` split, continued lines joined. */
export function commandsOf(text: string): string[] {
  return text
    .replaceAll('\\\n', ' ')
    .split('\n')
    .flatMap((line) => line.replace(/(^|\s)#.*$/, '').split('&&'))
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** The words of a command, quotes taken off. */
export function wordsOf(command: string): string[] {
  const words = command.match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? [];
  return words.map((word) => word.replaceAll(/['"]/g, ''));
}

/** What is wrong with a command; empty when all it names exists. `files` are those that the README has shown. */
export function problemsOf(command: string, files: readonly string[]): string[] {
  const words = wordsOf(command);
  const at = words.findIndex((word) => !/^[A-Z_]+=/.test(word));
  const variables = words.slice(0, Math.max(at, 0)).map((word) => word.split('=')[0] ?? '');
  const unknown = variables.filter((name) => !isKnownVariable(name));
  const [program = '', ...rest] = words.slice(Math.max(at, 0));
  return [
    ...unknown.map((name) => `no variable ${name}`),
    ...programProblems(program, rest, files),
  ];
}

/** Whether Threadmill or somebody else in the snippets reads this variable. */
export function isKnownVariable(name: string): boolean {
  return FOREIGN_VARIABLES.has(name) || SETTINGS.some((setting) => setting.env === name);
}

function programProblems(
  program: string,
  words: readonly string[],
  files: readonly string[],
): string[] {
  if (FOREIGN_PROGRAMS.has(program)) return [];
  if (program === 'npm') return npmProblems(words);
  if (program === 'node') return files.includes(words[0] ?? '') ? [] : [`no file ${words[0]}`];
  if (program === 'npx' && words[0] === 'threadmill') return threadmillProblems(words.slice(1));
  if (/(^|\/)threadmill$/.test(program)) return threadmillProblems(words);
  return [`unknown program ${program}`];
}

/** `npm run x`, `npm start`, `npm test`: a script; what follows `--` is for that script. */
function npmProblems(words: readonly string[]): string[] {
  const [first = '', second = ''] = words;
  if (NPM_COMMANDS.has(first)) return [];
  const script = first === 'run' ? second : first;
  const text = readFileSync(join(packageRoot, 'package.json'), 'utf8');
  const { scripts }: { readonly scripts: Record<string, string> } = JSON.parse(text);
  if (scripts[script] === undefined) return [`no script ${script}`];
  const flags = words.slice(words.indexOf('--') + 1).filter((word) => word.startsWith('--'));
  if (!words.includes('--')) return [];
  return script === 'start'
    ? threadmillProblems(['serve', ...flags])
    : flags.filter((flag) => !isMentioned(flag, script)).map((flag) => `${script} has no ${flag}`);
}

/** Whether the sources of `demo/`, `bench/`, `test/chaos/` ... name this flag. */
function isMentioned(flag: string, folder: string): boolean {
  const root = [folder, join('test', folder)]
    .map((path) => join(packageRoot, path))
    .find((path) => existsSync(path));
  if (root === undefined) return false;
  return readdirSync(root)
    .filter((name) => name.endsWith('.ts'))
    .some((name) => readFileSync(join(root, name), 'utf8').includes(flag.slice(2)));
}

function threadmillProblems(words: readonly string[]): string[] {
  const program = createProgram({
    env: {},
    cwd: packageRoot,
    print: () => undefined,
    printError: () => undefined,
    fail: () => undefined,
  });
  let command = program;
  let at = 0;
  for (; command.commands.length > 0; at += 1) {
    const word = words[at] ?? '';
    const next = command.commands.find((each) => [each.name(), ...each.aliases()].includes(word));
    if (next === undefined) return [`no command threadmill ${words.slice(0, at + 1).join(' ')}`];
    command = next;
  }
  const known = command.options.flatMap(({ long, short }) => [long, short]);
  return words
    .slice(at)
    .filter((word) => /^--?[a-z]/.test(word) && !known.includes(word.split('=')[0]))
    .map((flag) => `threadmill ${words.slice(0, at).join(' ')} has no ${flag}`);
}
