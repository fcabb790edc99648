/** What it takes to stop what runs: a handler, whatever it does, its thread, its process, and the whole of it. */
import type { Row } from '../row.ts';
import type { Bench, Measure } from './measure.ts';
import { measureCalls } from './stop-calls.ts';
import { measureCancel } from './stop-cancel.ts';
import { measureNative } from './stop-native.ts';
import { measureReach } from './stop-reach.ts';
import { measureReplacement } from './stop-replacement.ts';
import { measureShutdown } from './stop-shutdown.ts';

const PARTS = [
  measureCancel,
  measureNative,
  measureReach,
  measureReplacement,
  measureShutdown,
  measureCalls,
] as const;

/** Against bare threads and processes, and against what is promised. */
export const stop: Measure = {
  name: 'stop',
  title: 'stops, replacements and shutdowns',
  about:
    'What it takes to stop what runs, beside the least that the machine can do: a `Worker` or a process without anything ' +
    'round it. Most of the difference is the way through Redis, which the peers do not have.',
  run: async (bench: Bench) => {
    const rows: Row[] = [];
    for (const measurePart of PARTS) rows.push(...(await measurePart(bench)));
    return rows;
  },
};
