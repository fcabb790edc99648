/** Says how far a pass is: a bar on a terminal, a few plain lines elsewhere. */
import { Presets, SingleBar } from 'cli-progress';

/** Shows progress until `stop`. */
export interface Progress {
  update(done: number): void;
  stop(): void;
}

/** A bar when `stream` is a terminal, else a line at each quarter. */
export function showProgress(
  label: string,
  total: number,
  stream: NodeJS.WriteStream = process.stdout,
): Progress {
  return stream.isTTY ? bar(label, total, stream) : lines(label, total, stream);
}

function bar(label: string, total: number, stream: NodeJS.WriteStream): Progress {
  const format = `${label}  {bar}  {value}/{total} tasks  {duration_formatted}`;
  const single = new SingleBar({ format, stream, hideCursor: true }, Presets.shades_classic);
  single.start(total, 0);
  return {
    update: (done) => single.update(done),
    stop: () => single.stop(),
  };
}

function lines(label: string, total: number, stream: NodeJS.WriteStream): Progress {
  let said = 0;
  return {
    update(done) {
      const quarter = Math.floor((done / total) * 4);
      if (quarter <= said) return;
      said = quarter;
      stream.write(`${label}: ${done} of ${total} tasks\n`);
    },
    stop: () => undefined,
  };
}
