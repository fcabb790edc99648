/** Asks a Redis server on a unix socket whether it answers, without a client library. */
import { connect } from 'node:net';

/** `ready`: it answers. `loading`: it lives and still reads its data. `away`: nobody answers there. */
export type PingReply = 'ready' | 'loading' | 'away';

/** Sends one command and tells the kind of reply; never rejects. Waits `timeoutMs` at most, 1000 by default. */
export async function ping(socketPath: string, timeoutMs = 1000): Promise<PingReply> {
  const reply = await ask(socketPath, 'PING', timeoutMs);
  if (reply.startsWith('+PONG')) return 'ready';
  return reply.startsWith('-LOADING') ? 'loading' : 'away';
}

/** Asks a server to end itself, its data written; resolves when it hung up, or after `timeoutMs`. */
export async function askToShutDown(socketPath: string, timeoutMs: number): Promise<void> {
  await ask(socketPath, 'SHUTDOWN', timeoutMs);
}

async function ask(socketPath: string, command: string, timeoutMs: number): Promise<string> {
  return await new Promise((resolve) => {
    const socket = connect({ path: socketPath });
    let reply = '';
    const finish = (): void => {
      socket.destroy();
      resolve(reply);
    };
    socket.setTimeout(timeoutMs, finish);
    socket.on('connect', () => socket.write(`${command}\r\n`));
    socket.on('data', (chunk) => {
      reply += chunk.toString('latin1');
      if (reply.includes('\r\n')) finish();
    });
    socket.on('error', finish); // no such socket, nobody listens: the empty reply says it
    socket.on('close', finish);
  });
}
