/**
 * Fetches large values over a connection of its own, past the parser of the client library: that keeps a value of 1 MB in
 * pieces of 64 KB until it is there and then joins them, which is twice its size for the garbage collector, and each
 * 20 MB of that are a collection of the whole heap (2 of the 3 ms that such a value takes). Here the socket is read right
 * into where the value is to be, in as large pieces as there are.
 *
 *     closed -> connecting (login, database) -> open -> closed
 *
 * It opens with the first call and closes when nobody has called for a while. Whatever goes wrong, the caller asks again
 * by the ordinary way, which also knows why: so there are no retries here, and no errors of its own.
 */
import { connect, type Socket, type TcpNetConnectOpts, type IpcNetConnectOpts } from 'node:net';
import type { Redis, RedisOptions } from 'ioredis';
import { dropSpare, keepSpare, lendBytes } from '../wire/spare-memory.ts';
import { asBuffer } from './reply.ts';

/** Closed after so many milliseconds without a call. */
const IDLE_MS = 10_000;
/** After a failure it is not tried again for so long. */
const PAUSE_MS = 30_000;
/** A value takes no longer, or it comes the ordinary way: that has to be through before leases end. */
const LIMIT_MS = 2_000;
/** What one read takes from the socket at most, of lines and of the beginning of a value behind its line. */
const LINE_READ_BYTES = 4_096;
/** No line of a reply before a value is longer. */
const MAX_LINE = 4_096;
const [CR, LF] = [0x0d, 0x0a];

type Where = TcpNetConnectOpts | IpcNetConnectOpts;
type Answer = Uint8Array | undefined;

/** What was asked for. */
interface Wanted {
  readonly timer: NodeJS.Timeout;
  resolve(value: Answer): void;
  reject(error: Error): void;
}

/** One beside each connection to a server. */
export class ValueReader {
  readonly #redis: Redis;
  readonly #limitMs: number;
  #session: Session | undefined;
  #pausedUntilMs = 0;

  /** Leads to where `redis` is connected, with its login. */
  constructor(redis: Redis, timeoutMs: number) {
    this.#redis = redis;
    this.#limitMs = Math.min(timeoutMs, LIMIT_MS);
  }

  /**
   * The value of a hash's field, in memory that is lent (see `giveBack`); `undefined` where there is none. Rejects for whatever fails, also
   * where it cannot go: over TLS.
   */
  async hget(key: string, field: string): Promise<Answer> {
    this.#session ??= this.#open();
    return this.#session.ask(['HGET', key, field]);
  }

  /** Rejects what is on its way. The next call opens it again. */
  close(): void {
    this.#session?.end();
  }

  #open(): Session {
    const where = performance.now() < this.#pausedUntilMs ? undefined : whereIs(this.#redis);
    if (where === undefined) throw new Error('there is no shorter way');
    const session = new Session(where, this.#limitMs, (error) => {
      if (this.#session === session) this.#session = undefined;
      if (error !== undefined) this.#pausedUntilMs = performance.now() + PAUSE_MS;
    });
    for (const command of loginOf(this.#redis.options)) session.logIn(command);
    return session;
  }
}

/** The very server, whatever led to it: a name, Sentinel, a connector of the caller's. */
function whereIs({ options, stream }: Redis): Where | undefined {
  // Nor past a connector of the caller's that does it: a password is never sent in plain text where it was not before.
  if (options.tls || 'encrypted' in stream) return undefined;
  const { remoteAddress: host, remotePort: port } = stream as Partial<Socket>;
  if (host !== undefined && port !== undefined) return { host, port };
  return options.path ? { path: options.path } : undefined;
}

function loginOf({ username, password, db }: RedisOptions): string[][] {
  const login: string[][] = [];
  if (password) login.push(['AUTH', ...(username ? [username] : []), password]);
  if (db) login.push(['SELECT', `${db}`]);
  return login;
}

/** One connection, from its opening to its end. */
class Session {
  readonly #socket: Socket;
  readonly #limitMs: number;
  readonly #onEnd: (error: Error | undefined) => void;
  #wanted: Wanted[] = [];
  #isOver = false;
  /** The line that is being read. */
  #line = '';
  /** The value that is being read, and how many bytes of it are there; then comes the end of its line. */
  #value: Uint8Array | undefined;
  #filled = 0;

  constructor(where: Where, limitMs: number, onEnd: (error: Error | undefined) => void) {
    this.#limitMs = limitMs;
    this.#onEnd = onEnd;
    keepSpare();
    const lines = Buffer.allocUnsafeSlow(LINE_READ_BYTES);
    // Asked after each read for the next one.
    const buffer = (): Uint8Array => this.#missing() ?? lines;
    const callback = (length: number, into: Uint8Array): boolean => {
      if (into === lines) this.#read(lines.subarray(0, length));
      else this.#filled += length;
      return true;
    };
    this.#socket = connect({ ...where, noDelay: true, onread: { buffer, callback } });
    this.#socket.setTimeout(IDLE_MS);
    this.#socket.on('timeout', () => this.end());
    this.#socket.on('error', (error) => this.end(error));
    this.#socket.on('close', () => this.end(new Error('the connection has ended')));
  }

  ask(command: readonly string[]): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#isOver) return reject(new Error('the connection has ended'));
      this.#want(command, resolve, reject);
    });
  }

  /** A login that is refused ends it at once: what is read behind the refusal would be another database's. */
  logIn(command: readonly string[]): void {
    this.#want(
      command,
      () => undefined,
      (error) => this.end(error),
    );
  }

  /** Rejects what is on its way; without an error where nothing is wrong. */
  end(error?: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    dropSpare();
    this.#socket.destroy();
    this.#onEnd(error);
    for (const { timer, reject } of this.#wanted.splice(0)) {
      clearTimeout(timer);
      reject(error ?? new Error('closed'));
    }
  }

  #want(
    command: readonly string[],
    resolve: (value: Answer) => void,
    reject: (error: Error) => void,
  ): void {
    // Not the socket's own time limit: bytes that trickle in would put that off again and again.
    const timer = setTimeout(() => this.end(new Error('no reply in time')), this.#limitMs);
    if (this.#wanted.length === 0) this.#socket.ref();
    this.#wanted.push({ timer, resolve, reject });
    this.#socket.write(encode(command));
  }

  /** Where the rest of the value is to be; `undefined` when it is complete, or none is being read. */
  #missing(): Uint8Array | undefined {
    const value = this.#value;
    return value && this.#filled < value.length ? value.subarray(this.#filled) : undefined;
  }

  #read(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length && !this.#isOver) {
      at =
        this.#value === undefined
          ? this.#readLine(bytes, at)
          : this.#readValue(this.#value, bytes, at);
    }
  }

  /** Answers where it has come to, as `#readValue`. */
  #readLine(bytes: Buffer, from: number): number {
    const end = bytes.indexOf(LF, from);
    const to = end < 0 ? bytes.length : end;
    this.#line += bytes.toString('latin1', from, to);
    if (this.#line.length > MAX_LINE) this.end(new Error('no reply of Redis'));
    if (end < 0) return to;
    const line = this.#line.endsWith('\r') ? this.#line.slice(0, -1) : this.#line;
    this.#line = '';
    this.#onLine(line);
    return end + 1;
  }

  #onLine(line: string): void {
    const length = /^\$(\d{1,9})$/.exec(line)?.[1];
    if (length !== undefined) {
      this.#value = lendBytes(Number(length));
      this.#filled = 0;
    } else if (line === '$-1' || line.startsWith('+')) {
      this.#next()?.resolve(undefined);
    } else if (line.startsWith('-')) {
      this.#next()?.reject(new Error(line.slice(1)));
    } else {
      this.end(new Error('no reply of Redis'));
    }
  }

  #readValue(value: Uint8Array, bytes: Buffer, from: number): number {
    const length = Math.min(value.length - this.#filled, bytes.length - from);
    if (length > 0) {
      // Not `copy`: into shared memory that goes byte by byte where the two are not aligned alike.
      asBuffer(value).fill(
        bytes.subarray(from, from + length),
        this.#filled,
        this.#filled + length,
      );
      this.#filled += length;
      return from + length;
    }
    const isEnd = bytes[from] === LF;
    if (!isEnd && bytes[from] !== CR) this.end(new Error('no reply of Redis'));
    if (isEnd) {
      this.#value = undefined;
      this.#next()?.resolve(value);
    }
    return from + 1;
  }

  #next(): Wanted | undefined {
    const wanted = this.#wanted.shift();
    clearTimeout(wanted?.timer);
    // A connection that nobody waits for keeps no process alive.
    if (this.#wanted.length === 0) this.#socket.unref();
    return wanted;
  }
}

function encode(command: readonly string[]): string {
  const parts = command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`);
  return `*${command.length}\r\n${parts.join('')}`;
}
