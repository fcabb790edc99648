/** `threadmill watch` for programs: one line of JSON per look. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Snapshot } from './model.ts';
import { type Inspected, Poller } from './poller.ts';

/** What the lines are made of. */
export interface JsonLinesOptions {
  readonly inspector: Inspected;
  readonly intervalMs: number;
  /** Lines to print; `undefined`: until stopped. */
  readonly count?: number;
  readonly signal: AbortSignal;
  readonly print: (line: string) => void;
}

/** Prints until it has printed enough, or the signal stops it. Rejects when Redis does not answer. */
export async function printJsonLines(options: JsonLinesOptions): Promise<void> {
  const { inspector, intervalMs, count = Number.POSITIVE_INFINITY, signal, print } = options;
  const poller = new Poller(inspector);
  for (let printed = 0; printed < count && !signal.aborted; printed++) {
    if (printed > 0) await pause(intervalMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    print(jsonLine(await poller.look()));
  }
}

/** JSON has no `Infinity`. */
function jsonLine(snapshot: Snapshot): string {
  return JSON.stringify(snapshot, (_name, value: unknown) =>
    value === Number.POSITIVE_INFINITY ? 'Infinity' : value,
  );
}
