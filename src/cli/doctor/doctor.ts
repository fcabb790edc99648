/** `threadmill doctor`: looks at Redis, fleet and queues, says what is wrong, and mends what is safe if it is asked to. */
import type { styleText } from 'node:util';
import type { Diagnosis, DoctorProgress, FindingStatus } from '../../inspector/doctor/diagnose.ts';
import { Inspector } from '../../inspector/inspector.ts';
import { EXIT_INTERRUPTED, interruptible } from '../interrupt.ts';
import { clientOptions } from '../open-client.ts';
import { paint } from '../output/style.ts';
import { oneLine } from '../output/text.ts';
import type { Call } from '../redis-command.ts';
import { report } from '../report.ts';
import { EXIT_FAILURE, EXIT_USAGE, reportError } from '../report-error.ts';
import { findingsText, type Paint } from './findings-text.ts';

/** What was typed besides settings. */
export interface DoctorFlags {
  readonly fix?: boolean;
}

const EXIT_CODES = { healthy: 0, problem: EXIT_FAILURE, unknown: EXIT_USAGE } as const;
const PROGRESS_MS = 100;

type Format = Parameters<typeof styleText>[0];

const COLOURS: Readonly<Record<FindingStatus, Format>> = {
  ok: 'green',
  mended: 'cyan',
  warning: 'yellow',
  problem: ['bold', 'red'],
  unknown: 'magenta',
};

/** Prints the diagnosis. Exit codes: 0 healthy, 1 problems, 2 could not look, 130 stopped by Ctrl-C. */
export async function doctor(call: Call<DoctorFlags>): Promise<void> {
  const { shell } = call;
  try {
    const diagnosis = await examine(call);
    const { status, isStopped } = diagnosis;
    report(call, diagnosis, () => findingsText(diagnosis, paintStatus));
    const exitCode = isStopped ? EXIT_INTERRUPTED : EXIT_CODES[status];
    if (exitCode > 0) shell.fail(exitCode);
  } catch (error) {
    // Whatever keeps it from looking is no verdict on what it was to look at.
    const { text } = reportError(error, false);
    shell.printError(text);
    shell.fail(EXIT_USAGE);
  }
}

async function examine({ flags, input }: Call<DoctorFlags>): Promise<Diagnosis> {
  const { redis, connectTimeout } = await clientOptions(input);
  const inspector = new Inspector({ redis, connectTimeout });
  const line = progressLine(process.stderr);
  try {
    return await interruptible((signal) =>
      inspector.diagnose({ fix: flags.fix ?? false, signal, onProgress: line.show }),
    );
  } finally {
    line.clear();
    await inspector.close();
  }
}

/** Says on a terminal how far it is, on one line that goes again. */
function progressLine(stream: NodeJS.WriteStream): {
  show: (progress: DoctorProgress) => void;
  clear: () => void;
} {
  if (!stream.isTTY) return { show: () => undefined, clear: () => undefined };
  let shownAt = Number.NEGATIVE_INFINITY;
  return {
    show: (progress) => {
      if (performance.now() - shownAt < PROGRESS_MS) return;
      shownAt = performance.now();
      stream.write(`\r\x1b[K${oneLine(progressText(progress)).slice(0, stream.columns - 1)}`);
    },
    clear: () => stream.write('\r\x1b[K'),
  };
}

function progressText({ step, queue = '', seen }: DoctorProgress): string {
  const count = seen.toLocaleString('en-US');
  switch (step) {
    case 'redis':
      return 'Looking at Redis';
    case 'fleet':
      return 'Looking at the fleet';
    case 'queue':
      return `Looking at queue ${queue}: ${count} entries`;
    case 'keys':
      return `Looking at all keys: ${count}`;
    case 'waiting':
      return 'Waiting to see whether servers take care of tasks without a lease';
  }
}

const paintStatus: Paint = (status, text) => paint(COLOURS[status], text);
