/** How far a long operation is: a bar on stderr where that is a terminal, nothing elsewhere. */
import type { SingleBar } from 'cli-progress';

/** A bar under way. */
export interface Progress {
  /** `total` as it is known now; with 0, the count alone is shown. */
  update(done: number, total: number): void;
  /** Takes the bar away, or leaves its last state. */
  stop(): void;
}

/** Starts a bar; `unit` is what is counted. The library is loaded only for a terminal. */
export async function startProgress(label: string, unit: string): Promise<Progress> {
  if (!process.stderr.isTTY) return { update: () => undefined, stop: () => undefined };
  const { default: progress } = await import('cli-progress');
  const make = (hasTotal: boolean): SingleBar => {
    const format = hasTotal
      ? `${label}  {bar}  {value}/{total} ${unit}  {duration_formatted}`
      : `${label}  {value} ${unit}  {duration_formatted}`;
    const options = { format, stream: process.stderr, hideCursor: true, clearOnComplete: true };
    return new progress.SingleBar(options, progress.Presets.shades_classic);
  };
  let bar: SingleBar | undefined;
  return {
    update(done, total) {
      if (bar === undefined) {
        bar = make(total > 0);
        bar.start(total, done);
      }
      if (total > 0) bar.setTotal(total);
      bar.update(done);
    },
    stop: () => bar?.stop(),
  };
}
