/** A proxy before a Redis socket that can lose, delay and refuse: what a network does to a connection. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

/** A proxy on a unix socket of its own. */
export interface SwallowingProxy {
  readonly socket: string;
  /** As users would write it. */
  readonly url: string;
  /** Connections that were asked for so far, refused ones included. */
  readonly attempts: number;
  /** Pieces of replies that were lost so far. */
  readonly swallowed: number;
  /** From now on commands go through, but no reply comes back, save the first pieces as many as are let through. */
  swallowReplies(letThrough?: number): void;
  /**
   * Replies come back again, but on no connection that has lost one: a stream has no gaps, and replies behind a gap would
   * be taken for those of earlier commands.
   */
  passReplies(): void;
  /** From now on nothing goes through, neither on connections of now nor on later ones. */
  swallowAll(): void;
  /** All connections of now are silent until somebody destroys them: nothing goes through, nobody is told. */
  halfOpen(): void;
  /** Ends all connections of now; later ones work, whatever was swallowed before. */
  cut(): void;
  /** Ends all connections, and each new one at once, until `accept`. */
  refuse(): void;
  accept(): void;
  /** Each byte takes so long, each way. */
  delay(ms: number): void;
  /** New connections go to another Redis; those of now stay. */
  retarget(socket: string): void;
  close(): Promise<void>;
}

/** One connection through the proxy. */
interface Link {
  readonly client: Socket;
  readonly redis: Socket;
  isSilent: boolean;
  /** A reply was lost: no later one may come. */
  isMute: boolean;
}

/**
 * Starts a proxy for the Redis at this socket. It ends with the test at the latest, or with the file where it was started
 * outside of one: an open socket would keep the process of a test that has failed.
 */
export async function swallowingProxy(target: string): Promise<SwallowingProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'threadmill-proxy-'));
  const socket = join(folder, 'proxy.sock');
  const links = new Set<Link>();
  let attempts = 0;
  let swallowed = 0;
  let delayMs = 0;
  let redisSocket = target;
  let isRefusing = false;
  let isSwallowingAll = false;
  let lettingThrough = Number.POSITIVE_INFINITY;
  const pass = (link: Link, to: Socket, chunk: Buffer): void => {
    const write = (): void => {
      if (!link.isSilent && !to.destroyed) to.write(chunk);
    };
    if (delayMs > 0) setTimeout(write, delayMs);
    else write();
  };
  const server = createServer((client) => {
    attempts += 1;
    client.on('error', () => client.destroy());
    if (isRefusing) {
      client.destroy();
      return;
    }
    const redis = createConnection(redisSocket);
    redis.on('error', () => redis.destroy());
    const link: Link = { client, redis, isSilent: false, isMute: false };
    links.add(link);
    client.on('data', (chunk) => {
      if (!isSwallowingAll) pass(link, redis, chunk);
    });
    redis.on('data', (chunk) => {
      lettingThrough -= 1;
      link.isMute ||= lettingThrough < 0 || isSwallowingAll;
      if (link.isMute) swallowed += 1;
      else pass(link, client, chunk);
    });
    client.on('close', () => {
      links.delete(link);
      redis.destroy();
    });
    redis.on('close', () => {
      if (!link.isSilent) client.destroy();
    });
  });
  server.listen(socket);
  await once(server, 'listening');
  const cut = (): void => {
    isSwallowingAll = false;
    lettingThrough = Number.POSITIVE_INFINITY;
    for (const { client, redis } of links) {
      client.destroy();
      redis.destroy();
    }
  };
  const close = async (): Promise<void> => {
    cut();
    server.close();
    await rm(folder, { recursive: true, force: true });
  };
  after(close);
  return {
    socket,
    url: `redis-socket://${socket}`,
    get attempts() {
      return attempts;
    },
    get swallowed() {
      return swallowed;
    },
    swallowReplies: (letThrough = 0) => {
      lettingThrough = letThrough;
    },
    passReplies: () => {
      lettingThrough = Number.POSITIVE_INFINITY;
    },
    swallowAll: () => {
      isSwallowingAll = true;
    },
    halfOpen: () => {
      for (const link of links) link.isSilent = true;
    },
    cut,
    refuse: () => {
      isRefusing = true;
      cut();
    },
    accept: () => {
      isRefusing = false;
    },
    delay: (ms) => {
      delayMs = ms;
    },
    retarget: (to) => {
      redisSocket = to;
    },
    close,
  };
}
