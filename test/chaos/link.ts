/** One connection through a proxy: two sockets, and what goes wrong between them. */
import { createConnection, type Socket } from 'node:net';

/**
 * How a half-open connection is silent, until its client destroys it. Replies never come; of what the client sends
 *
 * - `both`: nothing arrives;
 * - `replies`: everything arrives;
 * - `late`: everything arrives when the silence ends, even if the client has given up by then.
 */
export type Silence = 'both' | 'replies' | 'late';

/** What is done to a whole proxy; its links look here. */
export interface Faults {
  latencyMs: number;
  /** New connections are silent as well while it is set. */
  silence: Silence | undefined;
  /** The next reply to a request in which this stands is lost, and the connection with it. */
  loseReplyTo: string | undefined;
}

/** What went wrong so far. */
export interface Damage {
  cut: number;
  swallowedBytes: number;
  delayedBytes: number;
  lostReplies: number;
  /** Connections that Redis ended. */
  endedByRedis: number;
}

/** One direction. What was delayed more holds up what comes after it: bytes keep their order. */
class Lane {
  readonly #to: Socket;
  readonly #waiting: { readonly dueAt: number; readonly chunk: Buffer }[] = [];

  constructor(to: Socket) {
    this.#to = to;
  }

  /** Answers whether it has to wait. */
  pass(chunk: Buffer, latencyMs: number): boolean {
    if (latencyMs === 0 && this.#waiting.length === 0) {
      this.#to.write(chunk);
      return false;
    }
    this.#waiting.push({ dueAt: performance.now() + latencyMs, chunk });
    if (this.#waiting.length === 1) this.#flushLater();
    return true;
  }

  #flushLater(): void {
    const [first] = this.#waiting;
    if (first === undefined) return;
    const flush = (): void => {
      this.#waiting.shift();
      this.#to.write(first.chunk);
      this.#flushLater();
    };
    setTimeout(flush, Math.max(0, first.dueAt - performance.now()));
  }
}

/** A connection. */
export class Link {
  readonly #client: Socket;
  readonly #redis: Socket;
  readonly #toClient: Lane;
  readonly #toRedis: Lane;
  readonly #faults: Faults;
  readonly #damage: Damage;
  readonly #onClose: (link: Link) => void;
  #silence: Silence | undefined;
  #kept: Buffer[] = [];
  #losesNextReply = false;

  constructor(given: {
    readonly client: Socket;
    readonly port: number;
    readonly faults: Faults;
    readonly damage: Damage;
    readonly onClose: (link: Link) => void;
  }) {
    this.#client = given.client;
    this.#faults = given.faults;
    this.#damage = given.damage;
    this.#onClose = given.onClose;
    this.#silence = given.faults.silence;
    this.#redis = createConnection({ host: '127.0.0.1', port: given.port, noDelay: true });
    this.#toClient = new Lane(this.#client);
    this.#toRedis = new Lane(this.#redis);
    this.#client.setNoDelay(true);
    for (const socket of [this.#client, this.#redis]) {
      socket.on('error', () => socket.destroy());
    }
    this.#client.on('data', (chunk) => this.#request(chunk));
    this.#redis.on('data', (chunk) => this.#reply(chunk));
    this.#client.on('close', () => this.#clientGone());
    this.#redis.on('close', () => this.#redisGone());
  }

  /** From now on it is half-open. */
  fallSilent(silence: Silence): void {
    this.#silence ??= silence;
  }

  /** What was kept arrives. The connection stays silent: only its client can end it. */
  deliverKept(): void {
    const kept = this.#kept.splice(0);
    for (const chunk of kept) this.#redis.write(chunk);
    if (this.#client.destroyed) this.#redis.end();
  }

  /** Ends it at once. */
  destroy(): void {
    this.#client.destroy();
    this.#redis.destroy();
  }

  #request(chunk: Buffer): void {
    if (this.#silence !== undefined) {
      this.#damage.swallowedBytes += chunk.length;
      if (this.#silence === 'late') this.#kept.push(chunk);
      if (this.#silence !== 'replies') return;
    }
    const { loseReplyTo } = this.#faults;
    if (loseReplyTo !== undefined && chunk.includes(loseReplyTo)) {
      this.#faults.loseReplyTo = undefined;
      this.#losesNextReply = true;
    }
    this.#pass(this.#toRedis, chunk);
  }

  #reply(chunk: Buffer): void {
    if (this.#losesNextReply) {
      this.#damage.lostReplies += 1;
      this.destroy();
    } else if (this.#silence !== undefined) {
      this.#damage.swallowedBytes += chunk.length;
    } else {
      this.#pass(this.#toClient, chunk);
    }
  }

  #pass(lane: Lane, chunk: Buffer): void {
    if (lane.pass(chunk, this.#faults.latencyMs)) this.#damage.delayedBytes += chunk.length;
  }

  #clientGone(): void {
    if (this.#kept.length === 0) this.#redis.destroy();
    this.#closeIfDone();
  }

  /** A half-open connection is one whose client learns nothing. */
  #redisGone(): void {
    if (this.#silence === undefined && !this.#client.destroyed) {
      this.#damage.endedByRedis += 1;
      this.#client.destroy();
    }
    this.#closeIfDone();
  }

  #closeIfDone(): void {
    if (this.#client.destroyed && this.#redis.destroyed) this.#onClose(this);
  }
}
