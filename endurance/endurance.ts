/**
 * `npm run endurance`: every way in which a task can go wrong, a hundred times each, on `threadmill serve` and on a
 * `Server` in this process, each followed by a thousand good tasks. Exit code 1 when anything is off afterwards.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { startEmbeddedRedis } from '../src/index.ts';
import { type Lane, runLane, TRACKS } from './lanes.ts';
import type { Amounts, Result } from './run-kind.ts';
import { renderLine, renderProblems, renderTable } from './table.ts';

interface Flags extends Amounts {
  readonly only?: string;
}

const types = new Set(TRACKS.flat().flatMap(({ kinds }) => kinds.map(({ type }) => type)));

const command = new Command('endurance')
  .description('Lets every kind of bad task happen many times, and good tasks after each.')
  .option('--times <number>', 'bad tasks of each kind', count, 100)
  .option('--good <number>', 'good tasks after each kind', count, 1_000)
  .option('--slow <part>', 'part of --times for kinds that cost seconds each, e.g. 0.2', part, 1)
  .option('--only <kinds>', `some kinds, separated by commas: ${[...types].join(', ')}`)
  .action(async ({ times, good, slow, only }: Flags) => {
    const wanted = only === undefined ? types : chosen(only);
    const tracks = TRACKS.map((lanes) => lanes.map((lane) => narrowed(lane, wanted)));
    const began = performance.now();
    const { results, problems } = await runTracks(tracks, { times, good, slow });
    const minutes = (performance.now() - began) / 60_000;
    say(renderTable(results));
    say(`${results.length} kinds on their runtimes in ${minutes.toFixed(1)} minutes`);
    for (const problem of renderProblems(problems)) say(`OFF  ${problem}`);
    process.exitCode = problems.length === 0 ? 0 : 1;
  });

/** All tracks at once; one that breaks does not end the others. */
async function runTracks(
  tracks: readonly (readonly Lane[])[],
  amounts: Amounts,
): Promise<{ results: Result[]; problems: string[] }> {
  const scratch = mkdtempSync(join(tmpdir(), 'threadmill-endurance-'));
  const redis = await startEmbeddedRedis({ persistent: false, onInstall: note });
  const results = new Map<Lane, Result[]>();
  const problems: string[] = [];
  const where = { redisUrl: redis.url, scratch };
  const run = async (lanes: readonly Lane[]): Promise<void> => {
    for (const lane of lanes) {
      const lines: Result[] = [];
      results.set(lane, lines);
      const off = await runLane(lane, amounts, where, (result) => {
        lines.push(result);
        note(renderLine(result));
        for (const each of result.problems) problems.push(`${lane.queue}, ${result.kind}: ${each}`);
      }).catch((error: unknown) => [`${lane.queue}: ${String(error)}`]);
      problems.push(...off);
    }
  };
  try {
    await Promise.all(tracks.map(run));
    return { results: tracks.flat().flatMap((lane) => results.get(lane) ?? []), problems };
  } finally {
    await redis.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}

function narrowed(lane: Lane, wanted: ReadonlySet<string>): Lane {
  return { ...lane, kinds: lane.kinds.filter(({ type }) => wanted.has(type)) };
}

function chosen(text: string): Set<string> {
  const names = text.split(',');
  const unknown = names.filter((name) => !types.has(name));
  if (unknown.length > 0) command.error(`no such kind: ${unknown.join(', ')}`);
  return new Set(names);
}

function part(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1) return value;
  throw new InvalidArgumentError('Give a number above 0, at most 1.');
}

function count(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 100_000) return value;
  throw new InvalidArgumentError('accepts a whole number from 1 to 100000');
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

// An orderly exit ends what was started as well.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));
await command.parseAsync();
