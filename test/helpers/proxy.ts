/** A proxy before a Redis socket that can lose what Redis answers. */
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
  close(): Promise<void>;
}

/** Starts a proxy for the Redis at this socket. */
export async function swallowingProxy(target: string): Promise<SwallowingProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'threadmill-proxy-'));
  const socket = join(folder, 'proxy.sock');
  const open = new Set<Socket>();
  let isSwallowing = false;
  const server = createServer((client) => {
    const redis = createConnection(target);
    for (const end of [client, redis]) {
      open.add(end);
      end.on('error', () => end.destroy());
    }
    client.pipe(redis);
    redis.on('data', (chunk) => {
      if (!isSwallowing) client.write(chunk);
    });
    client.on('close', () => redis.destroy());
    redis.on('close', () => client.destroy());
  });
  server.listen(socket);
  await once(server, 'listening');
  return {
    socket,
    swallowReplies: () => {
      isSwallowing = true;
    },
    close: async () => {
      for (const end of open) end.destroy();
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
