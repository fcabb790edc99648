/**
 * `npm run chaos`: a fleet of real processes before a real Redis is killed, frozen, cut off and restarted at random, from a
 * seed, while it works on a known set of tasks. Exit code 1 when anything was lost, doubled, leaked or left, and when
 * something that was injected had no effect; 2 when the run itself could not be carried out.
 */
import { randomInt } from 'node:crypto';
import { Command, InvalidArgumentError, Option } from 'commander';
import { renderOutcome } from './report.ts';
import { runChaos } from './run.ts';
import { SABOTAGES, type Sabotage } from './sabotage.ts';

interface Flags {
  readonly seconds?: number;
  readonly minutes?: number;
  readonly seed?: number;
  readonly sabotage?: Sabotage;
  readonly json?: true;
  readonly keep?: true;
}

const DEFAULT_SECONDS = 60;
const SEEDS = 1_000_000;

const command = new Command('chaos')
  .description('Proves that nothing is lost and nothing doubled, whatever happens to a fleet.')
  .option('--seconds <number>', 'how long things happen (default: 60)', atLeast(30))
  .option('--minutes <number>', 'the same in minutes', atLeast(0.5))
  .option('--seed <number>', 'replays a plan (default: a new one)', atLeast(0))
  .addOption(
    new Option('--sabotage <kind>', 'breaks one guarantee: the run must turn red').choices(
      Object.keys(SABOTAGES),
    ),
  )
  .option('--json', 'prints the outcome as one line of JSON')
  .option('--keep', "keeps the run's folder, with all records (a red run's stays anyway)")
  .action(async (flags: Flags) => {
    const seconds = flags.minutes === undefined ? flags.seconds : flags.minutes * 60;
    const outcome = await runChaos({
      seconds: Math.round(seconds ?? DEFAULT_SECONDS),
      seed: flags.seed ?? randomInt(SEEDS),
      sabotage: flags.sabotage,
      isKept: flags.keep === true,
      note: (line) => void process.stderr.write(`${line}\n`),
    });
    const lines = flags.json === true ? [JSON.stringify(outcome)] : renderOutcome(outcome);
    process.stdout.write(`${lines.join('\n')}\n`);
    process.exitCode = outcome.isRed ? 1 : 0;
  });

function atLeast(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isFinite(value) && value >= least && text.trim() !== '') return value;
    throw new InvalidArgumentError(`Give a number of at least ${least}.`);
  };
}

try {
  await command.parseAsync();
} catch (error) {
  console.error(error);
  process.exitCode = 2;
}
