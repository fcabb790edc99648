/** Entries of servers, as bytes. */
import { encodeServerInfo, type ServerInfo } from '../../src/wire/server-info.ts';

/** A server with nothing to do, but for what is given. */
export function emptyServerInfo(more: Partial<ServerInfo> = {}): Buffer {
  const info: ServerInfo = {
    host: 'host',
    pid: 1,
    serverId: 'uuid',
    concurrency: 1,
    queues: {},
    strictPriority: false,
    status: 'active',
    startTimeMs: 0,
    activeWorkerCount: 0,
  };
  return Buffer.from(encodeServerInfo({ ...info, ...more }));
}
