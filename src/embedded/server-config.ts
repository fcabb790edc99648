/** Writes the configuration of the private server: one unix socket, no port, no eviction. */

/** What differs from start to start. All paths are absolute. */
export interface ServerConfig {
  readonly dataFolder: string;
  readonly socketPath: string;
  /** True: an append-only file, synced every second. False: nothing is written to disk. */
  readonly isPersistent: boolean;
}

/** The text of a `redis.conf`, understood by Redis 6.2 and later and by Valkey. */
export function serverConfig({ dataFolder, socketPath, isPersistent }: ServerConfig): string {
  const lines = [
    'port 0',
    `unixsocket ${quote(socketPath)}`,
    'unixsocketperm 700',
    'daemonize no',
    'supervised no',
    'logfile ""', // standard output, so that the last words of a crash are in the same file
    'always-show-logo no',
    `dir ${quote(dataFolder)}`,
    'save ""',
    `appendonly ${isPersistent ? 'yes' : 'no'}`,
    'appendfsync everysec',
    'maxmemory-policy noeviction',
  ];
  return `${lines.join('\n')}\n`;
}

/** A value in double quotes, byte for byte: everything unusual as `\xHH`. */
function quote(value: string): string {
  const bytes = [...Buffer.from(value)].map((byte) => {
    const char = String.fromCharCode(byte);
    return /[\w./+=:@,-]/.test(char) ? char : `\\x${byte.toString(16).padStart(2, '0')}`;
  });
  return `"${bytes.join('')}"`;
}
