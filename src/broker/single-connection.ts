/**
 * A connection to one Redis server, or to the one that Sentinel names as master.
 *
 *     waiting -> ready <-> lost -> closed
 *
 * Where a server turns out to be a replica, a new connection is made soon: through Sentinel, a name or a proxy it leads
 * to the master.
 */
import { Redis, type RedisOptions } from 'ioredis';
import { RedisReplyError, RedisUnreachableError, ReplyLostError } from '../errors.ts';
import { CallDeadlines } from './call-deadlines.ts';
import type { Connection, ConnectionLimits, RunOptions } from './connection.ts';
import { checkRedisOptions, ownConnectionOptions, reconnectDelay } from './redis-options.ts';
import { ValueReader } from './value-reader.ts';

const NOT_SENT = "Stream isn't writeable";

/** By these words a server tells that it is no master that can serve. Redis 6.2 has them in the midst of a script's error. */
const NO_MASTER = /(?:^|[\s-])(?:READONLY|MASTERDOWN|LOADING) /;
/** Pause before such a server is left, so that each refusal does not cost a connection. */
const LEAVE_MS = 500;

/** What `openSingle` asks after each lost connection: the pause in milliseconds before the next, or `null` to give up. */
type Reconnect = (attempt: number, options: RedisOptions) => number | null;

/**
 * Opens a connection of our own. `reconnect` may change in the options where the next attempt leads to. Throws
 * `InvalidOptionsError` for options that break the protocol.
 */
export function openSingle(
  options: RedisOptions,
  limits: Required<ConnectionLimits>,
  reconnect?: Reconnect,
): SingleConnection {
  return new SingleConnection(createRedis(options, limits, reconnect), limits, true);
}

/** What a connection of our own is made of. Throws as `openSingle`. */
export function createRedis(
  options: RedisOptions,
  limits: Required<ConnectionLimits>,
  reconnect: Reconnect = reconnectDelay,
): Redis {
  checkRedisOptions(options);
  const safe = safeOptions(options, limits);
  const redis = new Redis({ ...options, ...safe, replyMapping: 'legacy' });
  // ioredis reads its options anew at each attempt.
  redis.options.retryStrategy = (attempt) => reconnect(attempt, redis.options);
  return redis;
}

/** Uses the caller's instance. Throws `InvalidOptionsError` for options that break the protocol. */
export function shareSingle(redis: Redis, limits: Required<ConnectionLimits>): SingleConnection {
  checkRedisOptions(redis.options);
  return new SingleConnection(redis, limits, false);
}

/** The caller's `reconnectOnError` is kept, but cannot have the failed command sent again. */
function safeOptions(options: RedisOptions, limits: Required<ConnectionLimits>): RedisOptions {
  const { reconnectOnError } = options;
  const own = ownConnectionOptions(limits);
  if (typeof reconnectOnError !== 'function') return own;
  return { ...own, reconnectOnError: (error) => Boolean(reconnectOnError(error)) };
}

/** One connection, our own or the caller's. */
export class SingleConnection implements Connection {
  readonly address: string;
  readonly isCluster = false;
  readonly values: ValueReader | undefined;
  readonly #redis: Redis;
  readonly #limits: Required<ConnectionLimits>;
  readonly #isOwn: boolean;
  readonly #listeners = new Set<(isUp: boolean) => void>();
  readonly #waiters = new Set<() => void>();
  readonly #calls = new CallDeadlines();
  #lastError: Error | undefined;
  #isUp: boolean;
  #isClosed = false;
  /** The database was refused: what is connected is another one, and must not be used. */
  #isWrongDatabase = false;
  #leaving: NodeJS.Timeout | undefined;

  constructor(redis: Redis, limits: Required<ConnectionLimits>, isOwn: boolean) {
    this.#redis = redis;
    this.#limits = limits;
    this.#isOwn = isOwn;
    this.values = isOwn ? new ValueReader(redis, limits.commandTimeoutMs) : undefined;
    this.#isUp = redis.status === 'ready';
    this.address = describeAddress(redis.options);
    redis.on('ready', this.#onReady);
    redis.on('close', this.#onDown);
    redis.on('end', this.#onDown);
    redis.on('error', this.#onError);
  }

  isUp(): boolean {
    // A connection that has just ended stays `ready` until its socket is closed, and takes no commands.
    const { status, stream } = this.#redis;
    return status === 'ready' && stream.writable && !this.#isClosed && !this.#isWrongDatabase;
  }

  onState(listener: (isUp: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async ready(withinMs: number = this.#limits.connectTimeoutMs): Promise<void> {
    if (this.isUp()) return;
    if (this.#redis.status === 'wait' && !this.#isClosed) this.#connect();
    await this.#becomeReady(withinMs);
    if (!this.isUp()) throw this.#unreachable();
  }

  run<Reply>(
    command: (redis: Redis) => Promise<Reply>,
    { withinMs = Number.POSITIVE_INFINITY }: RunOptions = {},
  ): Promise<Reply> {
    return this.isUp() ? this.#send(command, withinMs) : this.#sendLater(command, withinMs);
  }

  duplicate(): SingleConnection {
    const safe = safeOptions(this.#redis.options, this.#limits);
    return new SingleConnection(this.#redis.duplicate(safe), this.#limits, true);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#leaving);
    this.#onDown();
    this.#listeners.clear();
    await this.#calls.allEnded(); // each ends within the time limit
    this.#calls.stop();
    if (!this.#isOwn) this.#detach();
    else if (this.#redis.status !== 'end') this.#redis.disconnect();
  }

  async #sendLater<Reply>(
    command: (redis: Redis) => Promise<Reply>,
    withinMs: number,
  ): Promise<Reply> {
    const end = performance.now() + withinMs;
    await this.ready(Math.min(this.#limits.connectTimeoutMs, withinMs));
    return this.#send(command, Math.max(end - performance.now(), 1));
  }

  #send<Reply>(command: (redis: Redis) => Promise<Reply>, leftMs: number): Promise<Reply> {
    const withinMs = Math.min(this.#limits.commandTimeoutMs, Math.max(leftMs, 1));
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void => {
        this.#calls.end(call);
        reject(this.#explain(error));
      };
      const call = this.#calls.begin(withinMs, () => {
        fail(new Error(`no reply within ${Math.round(withinMs)} ms`));
      });
      try {
        command(this.#redis).then((reply) => {
          this.#calls.end(call);
          resolve(reply);
        }, fail);
      } catch (error) {
        fail(error); // nothing was sent
      }
    });
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

  /** Makes a new connection soon, also of the caller's if it comes back. What was refused was not carried out. */
  #leaveSoon(): void {
    if (this.#leaving !== undefined || this.#isClosed) return;
    this.#leaving = setTimeout(() => {
      void this.#leave().finally(() => {
        this.#leaving = undefined;
      });
    }, LEAVE_MS);
  }

  async #leave(): Promise<void> {
    const comesBack = typeof this.#redis.options.retryStrategy === 'function';
    if (!this.isUp() || !comesBack) return;
    // It may be the master by now: then who works with it again must not lose it.
    const isMaster = await this.#redis.info('replication').then(
      (text) => text.includes('role:master'),
      () => false,
    );
    // Only while it is connected: in the midst of connecting, ioredis takes it for the end.
    if (!isMaster && this.isUp()) this.#redis.disconnect(true);
  }

  readonly #onDown = (): void => {
    this.values?.close(); // the next one may lead to another server
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
    if (error instanceof Error && error.name === 'ReplyError') return this.#explainReply(clean);
    if (clean.message.startsWith(NOT_SENT)) return this.#unreachable(clean);
    return new ReplyLostError(this.address, { cause: clean });
  }

  #explainReply({ message }: Error): Error {
    if (NO_MASTER.test(message)) this.#leaveSoon();
    return new RedisReplyError(this.address, message);
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
