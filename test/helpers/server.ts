/** A server on a private Redis for one test file, and ways to wait for what it does. */
import { after } from 'node:test';
import { Writable } from 'node:stream';
import { pino, type Logger } from 'pino';
import { Client, Server, type ServerEvents, type ServerOptions } from '../../src/index.ts';
import { fixture } from './paths.ts';
import { useRedis, type TestRedis } from './redis.ts';

/** Lines that a server logged, parsed. */
export interface LogRecord {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** Makes servers and clients on one private Redis; all are ended after the tests of the file. */
export interface TestFleet {
  readonly redis: TestRedis;
  readonly client: Client;
  /** A server that is started, with the fixture handlers `acts` unless told otherwise. */
  start(options?: Partial<ServerOptions>): Promise<Server>;
  /** A server that is not started. */
  make(options?: Partial<ServerOptions>): Server;
}

/** Prepares a fleet. Retries come at once, intervals are short, nothing is logged. */
export async function useFleet(): Promise<TestFleet> {
  const servers: Server[] = [];
  // Registered first, so that it runs before the hook that ends Redis.
  after(async () => {
    await Promise.all(servers.map((server) => server.shutdown()));
    await client.close();
  });
  const redis = await useRedis();
  const client = new Client({ redis: redis.url });
  const make = (options: Partial<ServerOptions> = {}): Server => {
    const server = new Server({
      redis: redis.url,
      handlers: fixture('acts'),
      concurrency: 2,
      logLevel: 'silent',
      pollInterval: 20,
      forwardInterval: 100,
      cancelGrace: 300,
      shutdownTimeout: 1_000,
      ...options,
    });
    servers.push(server);
    return server;
  };
  return {
    redis,
    client,
    make,
    async start(options) {
      const server = make(options);
      await server.start();
      return server;
    },
  };
}

/** Resolves with the next event of this name that fits. */
export function next<Name extends keyof ServerEvents>(
  server: Server,
  name: Name,
  fits: (event: ServerEvents[Name][0]) => boolean = () => true,
): Promise<ServerEvents[Name][0]> {
  return new Promise((resolve) => {
    const listener = (event: ServerEvents[Name][0]): void => {
      if (!fits(event)) return;
      server.off(name, listener);
      resolve(event);
    };
    server.on(name, listener);
  });
}

/** Resolves when `count` events of this name have come, with all of them. */
export function collect<Name extends keyof ServerEvents>(
  server: Server,
  name: Name,
  count: number,
): Promise<ServerEvents[Name][0][]> {
  const events: ServerEvents[Name][0][] = [];
  return next(server, name, (event) => events.push(event) >= count).then(() => events);
}

/**
 * Polls until the answer is true; for what gives no event, such as another process's state. After a while less often: a
 * question to Redis every 5 ms would take a fifth of a core from what is waited for. The limit only ends a test that hangs.
 */
export async function until(
  check: () => Promise<boolean> | boolean,
  limitMs = 120_000,
): Promise<void> {
  const began = performance.now();
  while (!(await check())) {
    const sinceMs = performance.now() - began;
    if (sinceMs > limitMs) throw new Error(`not so within ${limitMs} ms: ${check.toString()}`);
    await new Promise((resolve) => {
      setTimeout(resolve, Math.min(5 + sinceMs / 100, 20));
    });
  }
}

/** A pino logger that keeps its records, with the list they go to. */
export function recordingLogger(): { logger: Logger; records: LogRecord[] } {
  const records: LogRecord[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      records.push(JSON.parse(chunk.toString()) as LogRecord);
      done();
    },
  });
  return { logger: pino({ level: 'trace' }, stream), records };
}
