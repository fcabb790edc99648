/** `npm run bench`: measures Threadmill side by side with its peers, prints the ratios and holds them against goals. */
import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { FULL_BAR, QUICK_BAR } from './goal.ts';
import { MEASURES } from './measures/measures.ts';
import type { Report } from './report.ts';
import { runMeasures } from './run-measures.ts';
import { FULL, QUICK } from './scale.ts';
import { renderTable } from './table.ts';
import { writeReport } from './write-report.ts';

/** Seen from where the command runs: the package's root. */
const REPORT_FOLDER = 'bench/report';

interface Flags {
  readonly quick?: true;
  readonly json?: true;
  readonly only?: string;
  readonly redis?: string;
  readonly report?: true | string;
  readonly from?: string;
  readonly verdict: boolean;
  readonly tasks?: number;
}

const command = new Command('bench')
  .description(
    'Measures Threadmill side by side with BullMQ, a bare Piscina pool and asynq in Go. Exits with 1 when a goal is missed.',
  )
  .option('--quick', 'under three minutes; its ratios are rough, and only what is far off counts')
  .option('--json', 'print all figures as JSON')
  .addOption(
    new Option('--only <name>', 'run one measure').choices(MEASURES.map(({ name }) => name)),
  )
  .option('--redis <url>', 'measure on this Redis instead of a private one')
  .option(
    '--report [folder]',
    `write Markdown and pictures, to ${REPORT_FOLDER} if it is a full run`,
  )
  .option(
    '--no-verdict',
    'say which goals are missed, but exit with 0 as long as every measure works',
  )
  .option('--from <file>', 'measure nothing: take the figures that --json printed')
  .addOption(
    new Option(
      '--tasks <count>',
      'tasks that the measure rss runs, however long it takes',
    ).argParser(parseCount),
  )
  .action(async (flags: Flags) => {
    const folder = folderFor(flags);
    const report = await (flags.from === undefined ? measure(flags) : read(flags.from));
    process.stdout.write(
      flags.json === true ? `${JSON.stringify(report, undefined, 2)}\n` : renderTable(report),
    );
    if (folder !== undefined) {
      process.stderr.write(`wrote ${writeReport(folder, report, MEASURES)}\n`);
    }
    const isMissed = flags.verdict && report.goals.missed > 0;
    if (isMissed || report.failures.length > 0) process.exitCode = 1;
  });

/** The committed report is always one of a full run. */
function folderFor({ report, quick, only }: Flags): string | undefined {
  if (report !== true) return report;
  if (quick === true || only !== undefined) {
    return command.error('error: name a folder for the report of less than a full run');
  }
  return REPORT_FOLDER;
}

function measure({ quick, only, redis, tasks }: Flags): Promise<Report> {
  return runMeasures({
    measures: MEASURES.filter(({ name }) => only === undefined || name === only),
    scale: quick === true ? QUICK : FULL,
    bar: quick === true ? QUICK_BAR : FULL_BAR,
    redisUrl: redis,
    tasks,
    onProgress: (line) => process.stderr.write(`measuring ${line}\n`),
  });
}

function read(path: string): Report {
  return JSON.parse(readFileSync(path, 'utf8')) as Report;
}

function parseCount(text: string): number {
  if (/^[1-9]\d{3,11}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number of at least 1000.');
}

await command.parseAsync();
