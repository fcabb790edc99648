/**
 * A connection to Redis that never hangs, never sends a command twice, and tells "was not sent" from "no reply".
 *
 *     waiting -> ready <-> lost -> closed
 */
import { Redis, type RedisOptions } from 'ioredis';
import { RedisReplyError, RedisUnreachableError, ReplyLostError } from '../errors.ts';
import {
  checkRedisOptions,
  isRedisInstance,
  ownConnectionOptions,
  type RedisOption,
} from './redis-options.ts';
import { parseRedisUrl } from './redis-url.ts';

export type { RedisOption } from './redis-options.ts';

/** Time limits of a connection, in milliseconds. */
export interface ConnectionLimits {
  /** How long a command waits for the connection. */
  readonly connectTimeoutMs: number;
  /** How long a command waits for its reply. Default: `connectTimeoutMs`. */
  readonly commandTimeoutMs?: number;
}

const NOT_SENT = "Stream isn't writeable";

/** Opens a connection; it connects at the first command. Throws `InvalidOptionsError` for options that break the protocol. */
export function openConnection(option: RedisOption, limits: ConnectionLimits): Connection {
  const full = {
    connectTimeoutMs: limits.connectTimeoutMs,
    commandTimeoutMs: limits.commandTimeoutMs ?? limits.connectTimeoutMs,
  };
  if (typeof option === 'string') return openOwn(parseRedisUrl(option), full);
  if (!isRedisInstance(option)) return openOwn(option, full);
  checkRedisOptions(option.options);
  return new Connection(option, full, false);
}

function openOwn(options: RedisOptions, limits: Required<ConnectionLimits>): Connection {
  checkRedisOptions(options);
  const redis = new Redis({ ...options, ...safeOptions(options, limits), replyMapping: 'legacy' });
  return new Connection(redis, limits, true);
}

/** The caller's `reconnectOnError` is kept, but cannot have the failed command sent again. */
function safeOptions(options: RedisOptions, limits: Required<ConnectionLimits>): RedisOptions {
  const { reconnectOnError } = options;
  const own = ownConnectionOptions(limits);
  if (typeof reconnectOnError !== 'function') return own;
  return { ...own, reconnectOnError: (error) => Boolean(reconnectOnError(error)) };
}

/** One connection, our own or the caller's. */
export class Connection {
  /** What it is connected to, without user and password. */
  readonly address: string;
  readonly #redis: Redis;
  readonly #limits: Required<ConnectionLimits>;
  readonly #isOwn: boolean;
  readonly #listeners = new Set<(isUp: boolean) => void>();
  readonly #waiters = new Set<() => void>();
  readonly #running = new Set<Promise<unknown>>();
  #lastError: Error | undefined;
  #isUp: boolean;
  #isClosed = false;
  /** The database was refused: what is connected is another one, and must not be used. */
  #isWrongDatabase = false;

  constructor(redis: Redis, limits: Required<ConnectionLimits>, isOwn: boolean) {
    this.#redis = redis;
    this.#limits = limits;
    this.#isOwn = isOwn;
    this.#isUp = redis.status === 'ready';
    this.address = describeAddress(redis.options);
    redis.on('ready', this.#onReady);
    redis.on('close', this.#onDown);
    redis.on('end', this.#onDown);
    redis.on('error', this.#onError);
  }

  /** Whether commands can be sent now. */
  isUp(): boolean {
    // A connection that has just ended stays `ready` until its socket is closed, and takes no commands.
    const { status, stream } = this.#redis;
    return status === 'ready' && stream.writable && !this.#isClosed && !this.#isWrongDatabase;
  }

  /** Calls back once per change, until the returned function is called. */
  onState(listener: (isUp: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Waits until commands can be sent. Throws `RedisUnreachableError` after the connect timeout, or when closed. */
  async ready(withinMs: number = this.#limits.connectTimeoutMs): Promise<void> {
    if (this.isUp()) return;
    if (this.#redis.status === 'wait' && !this.#isClosed) this.#connect();
    await this.#becomeReady(withinMs);
    if (!this.isUp()) throw this.#unreachable();
  }

  /**
   * Sends commands and awaits their replies, within the time limits. Commands of calls made while the connection is up
   * keep the order of the calls. Throws `RedisUnreachableError` (nothing was sent), `ReplyLostError` (it may have been
   * carried out) or `RedisReplyError` (Redis refused). `withinMs` bounds the wait for connection and reply together.
   */
  async run<Reply>(
    command: (redis: Redis) => Promise<Reply>,
    withinMs: number = Number.POSITIVE_INFINITY,
  ): Promise<Reply> {
    const { connectTimeoutMs, commandTimeoutMs } = this.#limits;
    const end = performance.now() + withinMs;
    if (!this.isUp()) await this.ready(Math.min(connectTimeoutMs, withinMs));
    const left = Math.max(end - performance.now(), 1);
    const reply = this.#send(command, Math.min(commandTimeoutMs, left));
    this.#running.add(reply);
    return await reply.finally(() => this.#running.delete(reply));
  }

  /** Drops our own connection and makes a new one; replies on their way are lost. The caller's is left alone. */
  reconnect(): void {
    if (this.#isOwn && this.isUp()) this.#redis.disconnect(true);
  }

  /** Another connection to the same Redis, always our own, e.g. for subscriptions. */
  duplicate(): Connection {
    const safe = safeOptions(this.#redis.options, this.#limits);
    return new Connection(this.#redis.duplicate(safe), this.#limits, true);
  }

  /** Closes our own connection once the replies on their way have come; leaves the caller's open. Never throws. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onDown();
    this.#listeners.clear();
    await Promise.allSettled(this.#running); // each ends within the time limit
    if (!this.#isOwn) this.#detach();
    else if (this.#redis.status !== 'end') this.#redis.disconnect();
  }

  async #send<Reply>(command: (redis: Redis) => Promise<Reply>, withinMs: number): Promise<Reply> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const fail = (): void => reject(new Error(`no reply within ${Math.round(withinMs)} ms`));
      timer = setTimeout(fail, withinMs);
    });
    try {
      return await Promise.race([command(this.#redis), late]);
    } catch (error) {
      throw this.#explain(error);
    } finally {
      clearTimeout(timer);
    }
  }

  #detach(): void {
    this.#redis.off('ready', this.#onReady);
    this.#redis.off('close', this.#onDown);
    this.#redis.off('end', this.#onDown);
    this.#redis.off('error', this.#onError);
  }

  #connect(): void {
    // ioredis tries again by itself, and tells the reason of each failure by an `error` event.
    this.#redis.connect().catch(() => undefined);
  }

  /** Ends at `ready`, at `end`, at `close()`, or when the time is over: the caller looks which. */
  #becomeReady(withinMs: number): Promise<void> {
    if (this.#isClosed || this.#redis.status === 'end') return Promise.resolve();
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(finish);
        resolve();
      };
      const timer = setTimeout(finish, withinMs);
      this.#waiters.add(finish);
    });
  }

  readonly #onReady = (): void => {
    if (this.#isWrongDatabase) return;
    this.#lastError = undefined;
    this.#announce(true);
    this.#release();
  };

  readonly #onDown = (): void => {
    this.#isWrongDatabase = false; // the next connection asks for it again
    this.#announce(false);
    if (this.#isClosed || this.#redis.status === 'end') this.#release();
  };

  readonly #onError = (error: unknown): void => {
    this.#lastError = this.#clean(error);
    // ioredis goes on in database 0 when its SELECT was refused.
    if (isRefusedSelect(error)) this.#isWrongDatabase = true;
  };

  #announce(isUp: boolean): void {
    if (this.#isUp === isUp) return;
    this.#isUp = isUp;
    for (const listener of this.#listeners) listener(isUp);
  }

  #release(): void {
    for (const finish of this.#waiters) finish();
  }

  #unreachable(cause?: Error): RedisUnreachableError {
    const reason =
      cause ?? (this.#isClosed ? new Error('the connection was closed') : this.#lastError);
    const options = reason === undefined ? undefined : { cause: reason };
    return new RedisUnreachableError(this.address, this.#limits.connectTimeoutMs, options);
  }

  #explain(error: unknown): Error {
    const clean = this.#clean(error);
    if (error instanceof Error && error.name === 'ReplyError') {
      return new RedisReplyError(this.address, clean.message);
    }
    if (clean.message.startsWith(NOT_SENT)) return this.#unreachable(clean);
    return new ReplyLostError(this.address, { cause: clean });
  }

  /** ioredis attaches the command with its arguments: passwords and payloads. Only the text goes on, without password. */
  #clean(error: unknown): Error {
    const text = error instanceof Error ? error.message || error.name : String(error);
    const { password, sentinelPassword } = this.#redis.options;
    const secrets = [password, sentinelPassword].filter((secret) => secret);
    return new Error(
      secrets.reduce((safe: string, secret) => safe.replaceAll(`${secret}`, '***'), text),
    );
  }
}

function isRefusedSelect(error: unknown): boolean {
  const { name, command } = error as { name?: unknown; command?: { name?: unknown } };
  return name === 'ReplyError' && command?.name === 'select';
}

function describeAddress(options: RedisOptions): string {
  const db = options.db ? `/${options.db}` : '';
  if (options.sentinels) return `sentinel ${options.name ?? ''}${db}`;
  if (options.path) return `${options.path}${db === '' ? '' : ` db ${options.db}`}`;
  const host = options.host ?? 'localhost';
  const name = host.includes(':') ? `[${host}]` : host;
  return `${name}:${options.port ?? 6379}${db}`;
}
