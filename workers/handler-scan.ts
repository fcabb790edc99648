/**
 * Entry of the throw-away thread: loads every handler and middleware module once, reports patterns and settings as plain
 * data, and is ended. Names each module before it loads it, so that the main thread can tell which one ended the thread
 * or never came back.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { HandlerLoadError } from '../src/errors.ts';
import type {
  HandlerReport,
  ScanFile,
  ScanMessage,
  ScanReport,
  ScanRequest,
} from '../src/threads/messages.ts';
import {
  type LoadedAggregator,
  type LoadedHandler,
  loadMiddleware,
  loadModule,
} from './handler-loader.ts';

const request = workerData as ScanRequest;
scan(request).then(
  (report) => say(report),
  (error: unknown) => {
    throw error;
  },
);

function say(message: ScanMessage): void {
  parentPort?.postMessage(message);
}

async function scan({ files, middleware }: ScanRequest): Promise<ScanReport> {
  const handlers: HandlerReport[] = [];
  for (const one of files) {
    say({ loading: one.file });
    const loaded = await attempt(one.file, () => loadModule(one.url));
    if ('ok' in loaded) return loaded;
    handlers.push(reportOf(one, loaded));
  }
  for (const one of middleware) {
    say({ loading: one.file });
    const loaded = await attempt(one.file, () => loadMiddleware(one.url));
    if ('ok' in loaded) return loaded;
  }
  return { ok: true, handlers };
}

async function attempt<T extends object>(
  file: string,
  load: () => Promise<T>,
): Promise<T | Extract<ScanReport, { ok: false }>> {
  try {
    return await load();
  } catch (error) {
    if (!(error instanceof HandlerLoadError)) throw error;
    return { ok: false, file, reason: error.reason };
  }
}

function reportOf(one: ScanFile, loaded: LoadedHandler | LoadedAggregator): HandlerReport {
  return 'aggregator' in loaded ? aggregatorReport(one, loaded) : handlerReport(one, loaded);
}

function aggregatorReport(
  { file, url }: ScanFile,
  { aggregator }: LoadedAggregator,
): HandlerReport {
  const { group, timeout, cancelGrace, heartbeat } = aggregator;
  return {
    file,
    url,
    pattern: group,
    isAggregator: true,
    ...(timeout === undefined ? {} : { timeout }),
    ...(cancelGrace === undefined ? {} : { cancelGrace }),
    ...(heartbeat === undefined ? {} : { heartbeat }),
    hasSchema: false,
  };
}

/** `defineTask` gives timeout, retries and schema unless the handler sets its own. */
function handlerReport(one: ScanFile, { definition, pattern }: LoadedHandler): HandlerReport {
  const timeout = definition.timeout ?? definition.task?.options.timeout;
  const retries = definition.retries ?? definition.task?.options.maxRetry;
  const { cancelGrace, heartbeat } = definition;
  const schema = definition.schema ?? definition.task?.payloadSchema;
  return {
    file: one.file,
    url: one.url,
    pattern: pattern ?? one.pathPattern,
    ...(timeout === undefined ? {} : { timeout }),
    ...(retries === undefined ? {} : { retries }),
    ...(cancelGrace === undefined ? {} : { cancelGrace }),
    ...(heartbeat === undefined ? {} : { heartbeat }),
    hasSchema: schema !== undefined,
  };
}
