/** Loads every handler module once, in one throw-away thread: the main thread never imports a handler. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { HandlerLoadError, toError } from '../errors.ts';
import { findHandlerFiles } from './handler-files.ts';
import type { HandlerReport, ScanMessage, ScanReport, ScanRequest } from './messages.ts';
import { createGroupRegistry, createRegistry } from './registry.ts';
import { handlerScanUrl } from './worker-urls.ts';

/** What else a scan takes. */
export interface ScanOptions {
  /** Paths of middleware modules, loaded only to see that they load. */
  readonly middleware?: readonly string[];
  /** Longest time that one module may take, in milliseconds. Default 30 000. */
  readonly moduleLimitMs?: number;
}

const MODULE_LIMIT_MS = 30_000;
const BOOT_LIMIT_MS = 60_000;
const EXCLUDE = 'Fix it, or exclude it by a name that begins with "_".';

/**
 * Finds and loads the handler modules of folders and files, aggregators among them, and reports patterns and settings. Rejects with
 * `HandlerLoadError`, naming file, reason and how to exclude it: no module, one that does not load, ends its thread,
 * takes too long or exports the wrong thing, or a pattern claimed twice.
 */
export async function scanHandlers(
  sources: readonly string[],
  options: ScanOptions = {},
): Promise<HandlerReport[]> {
  const files = await findHandlerFiles(sources);
  const middleware = (options.middleware ?? []).map((path) => {
    const file = resolve(path);
    return { file, url: pathToFileURL(file).href };
  });
  const scan = new Scan({ files, middleware }, options.moduleLimitMs ?? MODULE_LIMIT_MS);
  const report = await scan.run();
  if (!report.ok) throw refusal(report, middleware);
  createRegistry(report.handlers); // throws where a pattern is claimed twice
  createGroupRegistry(report.handlers);
  return [...report.handlers];
}

/** Only what was found in a folder can be excluded by its name; a listed middleware is taken off its list. */
function refusal(
  { file, reason }: Extract<ScanReport, { ok: false }>,
  middleware: ScanRequest['middleware'],
): HandlerLoadError {
  const isMiddleware = middleware.some((one) => one.file === file);
  const exclude = isMiddleware ? 'Fix it, or take it off the middleware list.' : EXCLUDE;
  return new HandlerLoadError(file, `${reason}. ${exclude}`);
}

/** One throw-away thread and what it says. */
class Scan {
  readonly #request: ScanRequest;
  readonly #limitMs: number;
  #loading: string;
  #timer: NodeJS.Timeout | undefined;

  constructor(request: ScanRequest, limitMs: number) {
    this.#request = request;
    this.#limitMs = limitMs;
    this.#loading = request.files[0]?.file ?? 'handlers';
  }

  /** Resolves when the thread has ended. */
  async run(): Promise<ScanReport> {
    // What modules print while they load belongs to no task; it is printed again where they load to run.
    const worker = new Worker(handlerScanUrl, { workerData: this.#request, stdout: true });
    worker.stdout.resume();
    try {
      return await new Promise<ScanReport>((answer) => this.#listen(worker, answer));
    } finally {
      clearTimeout(this.#timer);
      await worker.terminate();
    }
  }

  #listen(worker: Worker, answer: (report: ScanReport) => void): void {
    const fail = (reason: string): void => answer({ ok: false, file: this.#loading, reason });
    const seconds = this.#limitMs / 1_000;
    const limit = (ms: number, reason: string): void => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => fail(reason), ms);
    };
    limit(BOOT_LIMIT_MS, 'the thread that loads it did not start');
    worker.on('message', (message: ScanMessage) => {
      if ('ok' in message) return answer(message);
      this.#loading = message.loading;
      limit(this.#limitMs, `it did not load within ${seconds} s`);
    });
    worker.on('error', (error: unknown) =>
      fail(`it threw an error that nothing caught: ${toError(error).message}`),
    );
    worker.on('exit', (code) => fail(exitReason(code)));
  }
}

/** A thread whose top-level `await` can never settle ends by itself, with code 13 or 0 depending on the Node. */
function exitReason(code: number): string {
  return code === 13 || code === 0
    ? 'it ended while loading: a top-level await that never settles, or a call of process.exit'
    : `it ended its thread with exit code ${code} while loading`;
}
