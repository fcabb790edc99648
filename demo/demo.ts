#!/usr/bin/env node
/**
 * `npm run demo`: runs the bundled handlers on real files through a private Redis, and shows what a user would want to
 * see. Exit code 0 when every task has come to its end (a damaged file of yours is one that failed for good), 1 when
 * not, 2 for a wrong command line.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import { bundledHandlers } from '../src/config.ts';
import { startEmbeddedRedis } from '../src/index.ts';
import { findFiles } from './files.ts';
import { type PassOptions, type PassResult, runPass } from './pass.ts';
import { planTasks } from './plan.ts';
import { showProgress } from './progress.ts';
import { metricsExcerpt, speedUp, typeTable } from './report.ts';
import { UsageError } from './usage-error.ts';

/** Compiled to `dist/demo`, while the samples stay where they are. */
const SAMPLES = fileURLToPath(new URL('../../demo/samples', import.meta.url));

const interrupt = new AbortController();

async function main(): Promise<void> {
  const { input } = readFlags();
  const { files, skipped } = findFiles(input ?? SAMPLES);
  const output = mkdtempSync(join(tmpdir(), 'threadmill-demo-'));
  say(`${files.length} files from ${input ?? 'demo/samples'}`);
  if (skipped > 0) say(`${skipped} left out: empty, over 64 MiB, or beyond the first 500`);
  try {
    await compare(files, output);
  } catch (error) {
    rmSync(output, { recursive: true, force: true }); // half of the results are of use to nobody
    throw error;
  }
}

/** Runs everything on all cores, then in one thread, and shows both. */
async function compare(
  files: ReturnType<typeof findFiles>['files'],
  output: string,
): Promise<void> {
  const redis = await startEmbeddedRedis({ persistent: false, onInstall: say });
  try {
    const pool = await pass('all cores', redis.url, join(output, 'results'), files);
    const one = await pass('one thread', redis.url, join(output, 'one-thread'), files, 1);
    rmSync(join(output, 'one-thread'), { recursive: true, force: true });
    show(pool, one, join(output, 'results'));
  } finally {
    await redis.stop();
  }
}

async function pass(
  label: string,
  redis: string,
  output: string,
  files: ReturnType<typeof findFiles>['files'],
  concurrency?: number,
): Promise<PassResult> {
  const requests = planTasks(files, output);
  const progress = showProgress(label, requests.length);
  const options: PassOptions = {
    server: {
      redis,
      handlers: bundledHandlers(),
      middleware: fileURLToPath(new URL('./fail-first.js', import.meta.url)),
      ...(concurrency === undefined ? {} : { concurrency }),
    },
    redis,
    queue: label.replace(' ', '-'),
    requests,
    signal: interrupt.signal,
    onDone: (done) => progress.update(done),
  };
  try {
    return await runPass(options);
  } finally {
    progress.stop();
  }
}

function show(pool: PassResult, one: PassResult, results: string): void {
  say('');
  say(typeTable(pool));
  say(speedUp(pool, one));
  for (const reason of pool.reasons) say(`archived: ${reason}`);
  say('');
  say('From GET /metrics:');
  say(metricsExcerpt(pool.metrics));
  say('');
  say(`Results: ${results}`);
}

function readFlags(): { input?: string } {
  const program = new Command('npm run demo --')
    .description('Runs the bundled handlers on real files in parallel threads.')
    .option('--input <folder>', 'your own files instead of the samples')
    .exitOverride()
    .configureOutput({ outputError: () => undefined });
  try {
    return program.parse().opts();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) process.exit(0); // --help has been printed
    throw new UsageError(error.message.replace(/^error: /, ''));
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => interrupt.abort());
}
try {
  await main();
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`demo: ${message}\n`);
  process.exitCode = interrupt.signal.aborted ? 130 : error instanceof UsageError ? 2 : 1;
}
