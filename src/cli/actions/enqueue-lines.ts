/** What `threadmill enqueue --stdin` does: a task per line of JSON, with bounded memory, however many there are. */
import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import { addAbortSignal } from 'node:stream';
import type { Client } from '../../client.ts';
import { EnqueueUncertainError, RedisUnreachableError, toError } from '../../errors.ts';
import type { EnqueueRequest, EnqueueResult } from '../../handler.ts';
import { EXIT_INTERRUPTED, interruptible } from '../interrupt.ts';
import { openClient } from '../open-client.ts';
import { jsonLine } from '../output/json.ts';
import { type Progress, startProgress } from '../output/progress.ts';
import { countText, decodeUtf8, plural } from '../output/text.ts';
import type { Call } from '../redis-command.ts';
import { errorLine } from '../report-error.ts';
import { UsageError } from '../usage-error.ts';
import type { EnqueueFlags } from './enqueue.ts';
import { enqueueOptions, readHeaders } from './enqueue-options.ts';
import { type InputLine, inputLines } from './input-lines.ts';
import { type LineDefaults, readTaskLine } from './task-line.ts';

/** Base64 of the largest payload that Threadmill takes at all, twice over. */
const MAX_LINE_BYTES = 67_108_864;
const BOM = '\uFEFF';

/** A line and what became of it. */
interface Settled {
  readonly line: number;
  readonly result: EnqueueResult;
}

/** Enqueues a task per line of stdin. Exit code 1 if any failed. */
export async function enqueueLines(call: Call<EnqueueFlags>): Promise<void> {
  const defaults = defaultsOf(call);
  if (process.stdin.isTTY) call.shell.printError('reading JSON lines; end them with Ctrl-D');
  const client = await openClient(call.input);
  try {
    await interruptible((signal) => new LineRun(call, client, defaults).run(signal));
  } finally {
    await client.close();
  }
}

/** Throws `UsageError` for what can only be meant for one task. */
function defaultsOf({ words, flags }: Call<EnqueueFlags>): LineDefaults {
  const single = (['payload', 'payloadFile', 'taskId'] as const).find(
    (name) => flags[name] !== undefined,
  );
  if (single !== undefined) {
    const flag = single.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new UsageError(`--${flag} is for one task: with --stdin it belongs into the lines`);
  }
  const [type] = words;
  return {
    ...(type === undefined ? {} : { type }),
    headers: readHeaders(flags.header ?? []),
    options: enqueueOptions(flags),
  };
}

class LineRun {
  readonly #call: Call<EnqueueFlags>;
  readonly #client: Pick<Client, 'enqueueMany'>;
  readonly #defaults: LineDefaults;
  #enqueued = 0;
  #failed = 0;
  #bytes = 0;
  #isOutage = false;
  #isOutputGone = false;

  constructor(
    call: Call<EnqueueFlags>,
    client: Pick<Client, 'enqueueMany'>,
    defaults: LineDefaults,
  ) {
    this.#call = call;
    this.#client = client;
    this.#defaults = defaults;
  }

  async run(signal: AbortSignal): Promise<void> {
    const progress = await startProgress('enqueue', 'lines');
    const size = inputSize();
    try {
      for await (const lines of inputLines(stoppable(signal), MAX_LINE_BYTES)) {
        await this.#enqueueBatch(lines);
        this.#show(progress, size, lines);
        if (this.#isOutage || signal.aborted) break;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      progress.stop();
    }
    this.#conclude(signal.aborted);
  }

  /** One batch at a time: tasks stay in the order of their lines, and no more than one batch is in memory. */
  async #enqueueBatch(lines: readonly InputLine[]): Promise<void> {
    const results = new Map<number, EnqueueResult>();
    const requests: EnqueueRequest[] = [];
    const numbers: number[] = [];
    for (const line of lines) {
      try {
        const request = this.#read(line);
        if (request === undefined) continue;
        requests.push(request);
        numbers.push(line.number);
      } catch (error) {
        results.set(line.number, { ok: false, error: toError(error) });
      }
    }
    const sent = await this.#client.enqueueMany(requests);
    sent.forEach((result, at) => results.set(numbers[at] ?? 0, result));
    const settled = [...results].map(([line, result]) => ({ line, result }));
    await this.#report(settled.sort((a, b) => a.line - b.line));
  }

  /** `undefined` for a blank line. */
  #read({ number, bytes }: InputLine): EnqueueRequest | undefined {
    if (bytes === undefined) throw new Error(`longer than ${countText(MAX_LINE_BYTES)} bytes`);
    const text = decodeUtf8(bytes);
    if (text === undefined) throw new Error('not UTF-8');
    const json = number === 1 && text.startsWith(BOM) ? text.slice(1) : text;
    return json.trim() === '' ? undefined : readTaskLine(json, this.#defaults);
  }

  async #report(settled: readonly Settled[]): Promise<void> {
    const { shell, flags } = this.#call;
    const lost = settled.filter(({ result }) => !result.ok && isOutage(result.error));
    for (const { line, result } of settled) {
      if (result.ok) this.#enqueued += 1;
      else this.#failed += 1;
      if (flags.json === true) shell.print(jsonLine(plainResult(line, result)));
      if (!result.ok && !isOutage(result.error)) {
        shell.printError(`line ${line}: ${errorLine(result.error)}`);
      }
    }
    this.#reportOutage(lost);
    await this.#drain();
  }

  /** Every line after it would fail alike, each after the connect timeout. */
  #reportOutage(lost: readonly Settled[]): void {
    const [first] = lost;
    const last = lost.at(-1);
    if (first === undefined || last === undefined || first.result.ok) return;
    this.#isOutage = true;
    const lines = first === last ? `line ${first.line}` : `lines ${first.line} to ${last.line}`;
    this.#call.shell.printError(`${lines}: ${errorLine(first.result.error)}`);
  }

  /** Whoever reads our output slower than we enqueue makes us wait; once nobody reads it, nobody does. */
  async #drain(): Promise<void> {
    const { stdout } = process;
    if (this.#isOutputGone || !stdout.writableNeedDrain) return;
    await once(stdout, 'drain').catch(() => {
      this.#isOutputGone = true;
    });
  }

  /** The number of lines of a file is guessed from what was read of it. */
  #show(progress: Progress, size: number, lines: readonly InputLine[]): void {
    this.#bytes += lines.reduce((sum, { bytes }) => sum + (bytes?.byteLength ?? 0) + 1, 0);
    const done = this.#enqueued + this.#failed;
    const total = size === 0 ? 0 : Math.max(done, Math.round((done * size) / this.#bytes));
    progress.update(done, total);
  }

  #conclude(isStopped: boolean): void {
    const { shell, flags } = this.#call;
    if (isStopped) shell.fail(EXIT_INTERRUPTED);
    else if (this.#failed > 0) shell.fail();
    const all = this.#enqueued + this.#failed;
    const failed = this.#failed === 0 ? '' : `, ${countText(this.#failed)} failed`;
    const early = isStopped || this.#isOutage ? '; stopped before the end of the input' : '';
    const summary = `enqueued ${countText(this.#enqueued)} of ${plural(all, 'line')}${failed}${early}`;
    if (flags.json === true) shell.printError(summary);
    else shell.print(summary);
  }
}

function isOutage(error: Error): boolean {
  return error instanceof RedisUnreachableError || error instanceof EnqueueUncertainError;
}

function plainResult(line: number, result: EnqueueResult): object {
  if (!result.ok) return { line, error: result.error };
  const { id, type, queue, state, nextProcessAt } = result.info;
  return { line, id, type, queue, state, nextProcessAt };
}

/** Bytes of the file that stdin is; 0 for a pipe or a terminal. */
function inputSize(): number {
  const stat = fstatSync(0);
  return stat.isFile() ? stat.size : 0;
}

/** Stdin, which the signal ends also while it waits for somebody to write. */
function stoppable(signal: AbortSignal): AsyncIterable<Buffer> {
  return addAbortSignal(signal, process.stdin) as AsyncIterable<Buffer>;
}
