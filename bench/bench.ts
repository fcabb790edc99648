/** `npm run bench`: measures Threadmill side by side with its peers and prints the ratios. */
import { Command, Option } from 'commander';
import { MEASURES } from './measures/measures.ts';
import { runMeasures } from './run-measures.ts';
import { FULL, QUICK } from './scale.ts';
import { renderTable } from './table.ts';

interface Flags {
  readonly quick?: true;
  readonly json?: true;
  readonly only?: string;
  readonly redis?: string;
}

const command = new Command('bench')
  .description('Measures Threadmill side by side with BullMQ and a bare Piscina pool.')
  .option('--quick', 'a smoke test of about a minute; its ratios are rough')
  .option('--json', 'print the report as JSON')
  .addOption(
    new Option('--only <name>', 'run one measure').choices(MEASURES.map(({ name }) => name)),
  )
  .option('--redis <url>', 'measure on this Redis instead of a private one')
  .action(async ({ quick, json, only, redis }: Flags) => {
    const report = await runMeasures({
      measures: MEASURES.filter(({ name }) => only === undefined || name === only),
      scale: quick === true ? QUICK : FULL,
      redisUrl: redis,
      onProgress: (line) => process.stderr.write(`measuring ${line}\n`),
    });
    const { environment, rows } = report;
    process.stdout.write(
      json === true ? `${JSON.stringify(report, undefined, 2)}\n` : renderTable(environment, rows),
    );
  });

await command.parseAsync();
