// Runs the compiled tests with Node's own runner.
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { inRoot } from './paths.mjs';
import { runVisibly } from './run.mjs';
import { UserError } from './user-error.mjs';

/** Of one file. Only one that hangs meets it: the longest take a minute, and several times as long on a loaded machine. */
const TEST_TIMEOUT_MS = 300_000;

/**
 * Arguments that begin with a dash go to Node (`--test-name-pattern=...`); the others choose files by a part of
 * their path (`broker/lease`). Without those, all tests run. Sets the exit code.
 */
export async function runTests(args) {
  const options = args.filter((arg) => arg.startsWith('-'));
  const files = chooseFiles(args.filter((arg) => !arg.startsWith('-')));
  // A file waits about as long as it computes; two at a time is the least.
  const concurrency =
    process.env.TEST_CONCURRENCY ?? Math.max(2, Math.ceil(1.5 * availableParallelism()));
  const env = { REDIS_URL: undefined }; // never a Redis of the user's
  process.exitCode = await runVisibly(
    process.execPath,
    [
      '--enable-source-maps',
      '--test',
      `--test-concurrency=${concurrency}`,
      `--test-timeout=${TEST_TIMEOUT_MS}`,
      ...(options.some((option) => option.startsWith('--test-reporter'))
        ? []
        : [...reporter('spec'), ...reporter(new URL('hung-tests.mjs', import.meta.url).href)]),
      ...options,
      ...files,
    ],
    env,
  );
}

function reporter(name) {
  return [`--test-reporter=${name}`, '--test-reporter-destination=stdout'];
}

/** A list, since Node 20 takes no patterns and would run every file of a folder. */
function chooseFiles(parts) {
  const all = readdirSync(inRoot('dist', 'test'), { recursive: true })
    .filter((name) => name.endsWith('.test.js'))
    .map((name) => join('dist', 'test', name))
    .sort();
  const isChosen = (file) => parts.some((part) => file.includes(part.replace(/\.ts$/, '.js')));
  const chosen = parts.length === 0 ? all : all.filter(isChosen);
  if (chosen.length === 0) throw new UserError(`no test file matches ${parts.join(' ')}`);
  return chosen;
}
