/**
 * `npm run test:interop`: builds real asynq programs with Go, lets the conformance tests talk to them, and prints what each
 * point came to. Arguments: those that begin with a dash go to Node's test runner, the others choose files by a part of
 * their name.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../helpers/paths.ts';
import { renderTable, type Row } from './table.ts';

const HERE = dirname(fileURLToPath(import.meta.url));
const GO_MODULE = join(packageRoot, 'test', 'interop', 'go');
const SUFFIX = '.interop.js';
const TEST_TIMEOUT_MS = 600_000;
/** Files wait for the slow clocks of asynq much of the time. */
const FILES_AT_ONCE = 4;
/** The longest, in this order before all others, so that none of them is left alone at the end. */
const LONGEST = ['mixed', 'outcomes', 'recovery', 'steering', 'locks', 'retention'];

const PROGRAMS: readonly { name: string; folder: string; args: readonly string[] }[] = [
  { name: 'peer-0.26.0', folder: GO_MODULE, args: ['.'] },
  { name: 'peer-0.24.1', folder: GO_MODULE, args: ['-modfile=old.mod', '-tags=old', '.'] },
  {
    name: 'asynq',
    folder: join(GO_MODULE, 'cli'),
    args: ['github.com/hibiken/asynq/tools/asynq'],
  },
];

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const go = spawnSync('go', ['version'], { encoding: 'utf8' });
  if (go.error !== undefined || go.status !== 0) {
    console.log('Skipped: Go is not installed. These tests build asynq programs with it.');
    return 0;
  }
  console.log(go.stdout.trim());
  const folder = mkdtempSync(join(tmpdir(), 'threadmill-interop-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  if (!buildPrograms(folder)) return 1;
  return runTests(folder, args);
}

/** One after the other: each of them keeps all cores busy. Unchanged, they come from Go's cache in a moment. */
function buildPrograms(folder: string): boolean {
  for (const { name, folder: cwd, args } of PROGRAMS) {
    const began = performance.now();
    const command = ['build', '-ldflags=-s -w', '-o', join(folder, name), ...args];
    const built = spawnSync('go', command, { cwd, encoding: 'utf8' });
    if (built.status !== 0) {
      console.error(`${built.stderr}\n${name} was not built: ${hintFor(built.stderr)}`);
      return false;
    }
    console.log(`built ${name} in ${((performance.now() - began) / 1000).toFixed(1)} s`);
  }
  return true;
}

function hintFor(output: string): string {
  return /dial tcp|no such host|i\/o timeout|disabled by GOPROXY|cannot find module|Get "/.test(
    output,
  )
    ? 'its modules could not be downloaded. The first run needs a Go module proxy (`go env GOPROXY`).'
    : 'see above.';
}

async function runTests(folder: string, args: readonly string[]): Promise<number> {
  const results = join(folder, 'results.jsonl');
  const files = chooseFiles(args.filter((arg) => !arg.startsWith('-')));
  const child = spawn(
    process.execPath,
    [
      '--enable-source-maps',
      '--test',
      `--test-concurrency=${FILES_AT_ONCE}`,
      `--test-timeout=${TEST_TIMEOUT_MS}`,
      '--test-reporter=spec',
      ...args.filter((arg) => arg.startsWith('-')),
      ...files,
    ],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...process.env,
        REDIS_URL: undefined, // never a Redis of the user's
        THREADMILL_INTEROP_BIN: folder,
        THREADMILL_INTEROP_RESULTS: results,
      },
    },
  );
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  const [code] = (await once(child, 'close')) as [number | null];
  if (existsSync(results)) console.log(renderTable(readRows(results)));
  return code ?? 1;
}

function readRows(path: string): Row[] {
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Row);
}

function chooseFiles(parts: readonly string[]): string[] {
  const all = readdirSync(HERE).filter((name) => name.endsWith(SUFFIX));
  const chosen = all.filter(
    (name) => parts.length === 0 || parts.some((part) => name.includes(part)),
  );
  if (chosen.length === 0) throw new Error(`no test file matches ${parts.join(' ')}`);
  return chosen.sort((a, b) => rankOf(a) - rankOf(b)).map((name) => join(HERE, name));
}

function rankOf(name: string): number {
  const rank = LONGEST.indexOf(name.replace(SUFFIX, ''));
  return rank < 0 ? LONGEST.length : rank;
}
