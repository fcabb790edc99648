/** Ports for servers that need one by number before they listen. */
import { createServer } from 'node:net';

/** A Redis Cluster's servers talk to each other on a port so far above. */
export const BUS_OFFSET = 10_000;
const LOWEST = 12_000;
/** Each process has a range of its own, as long as process IDs do not meet. */
const PER_PROCESS = 100;
const RANGES = 100;

let asked = 0;

/**
 * A port of the loopback that nobody listens on, nor on the one for the cluster bus; a process is given none twice in a
 * hundred times. Both lie below those that the system gives to connections and to whoever asks for any port: one of those
 * may be taken before its server listens, or while it is restarted.
 */
export async function freePort(): Promise<number> {
  const first = LOWEST + (process.pid % RANGES) * PER_PROCESS;
  for (;;) {
    const port = first + (asked++ % PER_PROCESS);
    if ((await isFree(port)) && (await isFree(port + BUS_OFFSET))) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
