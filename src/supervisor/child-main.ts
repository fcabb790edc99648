/**
 * The entry of a child process: a server of its own, told by the supervisor what to be. A child whose supervisor dies
 * ends at once, with everything it started.
 */
import { reportError } from '../cli/report-error.ts';
import { resolveServeSettings, type ServeSettings } from '../config.ts';
import { createMetrics } from '../metrics/create-metrics.ts';
import { Server } from '../runtime/server.ts';
import type { Suspect } from '../runtime/supervised.ts';
import { ChildLink } from './child-link.ts';
import { type Begin, type FromChild, JOURNAL_FD, type ToChild } from './messages.ts';
import { serveLogger } from './serve-logger.ts';

/** What open handles may take to close after all is done. */
const LINGER_MS = 50;

let link: ChildLink | undefined;
let isLeaving = false;
let lastCall = 0;
const asked = new Map<number, (isTaken: boolean) => void>();

// The supervisor decides what becomes of a signal; only who names this process means this process.
for (const signal of ['SIGINT', 'SIGTSTP'] as const) process.on(signal, () => undefined);
process.on('SIGTERM', () => void shutdown());
process.on('disconnect', () => {
  if (!isLeaving) killAll();
});
process.on('message', (message) => void receive(message as ToChild));
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error; // a reader that went away ends the output, not the work
  });
}
void send({ kind: 'beat', facts: undefined, rssBytes: process.memoryUsage.rss(), tasksDone: 0 });

async function receive(message: ToChild): Promise<void> {
  if (message.kind === 'begin') return run(message);
  if (message.kind === 'isolated') return asked.get(message.call)?.(message.isTaken);
  if (link !== undefined) return link.receive(message);
  if (message.kind === 'shutdown' || message.kind === 'retire') return shutdown();
}

async function shutdown(): Promise<void> {
  if (link !== undefined) return link.shutdown();
  await send({ kind: 'ended', metrics: [] });
  leave(0);
}

async function run(begin: Begin): Promise<void> {
  let isDebug = false;
  try {
    const settings = await resolveServeSettings({ ...begin.input, env: process.env });
    isDebug = settings.logLevel === 'debug' || settings.logLevel === 'trace';
    await serveTasks(begin, settings);
  } catch (error) {
    if (link?.isEnding === true) return; // the start was cut short by its shutdown
    await send({ kind: 'startFailed', ...reportError(error, isDebug) });
    leave(1);
  }
}

async function serveTasks(begin: Begin, settings: ServeSettings): Promise<void> {
  const { isSolitary, redisUrl } = begin;
  const redis = redisUrl ?? settings.redis;
  const server = new Server(
    {
      ...settings.serverOptions,
      ...(redis === undefined ? {} : { redis }),
      ...(isSolitary ? { concurrency: 1, tasksPerThread: 1 } : {}),
      logger: serveLogger(settings),
    },
    { supervised: { journalFd: JOURNAL_FD, isSolitary, isolate } },
  );
  const metrics = createMetrics(server, { queueMetrics: false }); // the supervisor reads the queues, once for all
  link = new ChildLink({ server, metrics, isSolitary, send, leave: () => leave(0), killAll });
  const { serverId, address } = server;
  await send({ kind: 'hello', serverId, address });
  await server.start();
  link.beat();
  await send({ kind: 'ready', handlers: server.handlerReports });
}

function isolate(suspect: Suspect): Promise<boolean> {
  const call = ++lastCall;
  return new Promise((resolve) => {
    asked.set(call, (isTaken) => {
      asked.delete(call);
      resolve(isTaken);
    });
    void send({ kind: 'isolate', call, suspect });
  });
}

/** Resolves when the message is written, or cannot be: then the supervisor is gone, and `disconnect` follows. */
function send(message: FromChild): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) return resolve();
    process.send(message, undefined, undefined, () => resolve());
  });
}

function leave(exitCode: number): void {
  isLeaving = true;
  process.exitCode = exitCode;
  if (process.connected) process.disconnect();
  setTimeout(() => process.exit(), LINGER_MS).unref();
}

/** It leads its own process group. */
function killAll(): void {
  process.kill(-process.pid, 'SIGKILL');
}
