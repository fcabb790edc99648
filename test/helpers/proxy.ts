/** A proxy before a Redis socket that can lose what goes through it, and cut connections. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A proxy on a unix socket of its own. */
export interface SwallowingProxy {
  readonly socket: string;
  /** From now on commands go through, but no reply comes back. */
  swallowReplies(): void;
  /** From now on neither commands nor replies go through: a half-open connection. */
  swallowAll(): void;
  /** Ends every connection; later ones work again. */
  cut(): void;
  close(): Promise<void>;
}

/** Starts a proxy for the Redis at this socket. */
export async function swallowingProxy(target: string): Promise<SwallowingProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'threadmill-proxy-'));
  const socket = join(folder, 'proxy.sock');
  const open = new Set<Socket>();
  let swallows: 'nothing' | 'replies' | 'all' = 'nothing';
  const server = createServer((client) => {
    const redis = createConnection(target);
    for (const end of [client, redis]) {
      open.add(end);
      end.on('error', () => end.destroy());
      end.on('close', () => open.delete(end));
    }
    client.on('data', (chunk) => {
      if (swallows !== 'all') redis.write(chunk);
    });
    redis.on('data', (chunk) => {
      if (swallows === 'nothing') client.write(chunk);
    });
    client.on('close', () => redis.destroy());
    redis.on('close', () => client.destroy());
  });
  server.listen(socket);
  await once(server, 'listening');
  const cut = (): void => {
    for (const end of open) end.destroy();
    swallows = 'nothing';
  };
  return {
    socket,
    swallowReplies: () => {
      swallows = 'replies';
    },
    swallowAll: () => {
      swallows = 'all';
    },
    cut,
    close: async () => {
      cut();
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
