/** Says that this server lives and what it works on, as asynq's tools show it (protocol 12.3 and 12.4). */
import { hostname } from 'node:os';
import type { Broker, PresenceEntry } from '../broker/broker.ts';
import type { Clock } from '../clock.ts';
import { toError } from '../errors.ts';
import { decodeTaskMessage } from '../wire/task-message.ts';
import { encodeServerName, type ProcessPlace } from '../wire/lease-token.ts';
import { encodeServerInfo, encodeWorkerInfo } from '../wire/server-info.ts';
import type { ActiveTask, ActiveTasks } from './active-tasks.ts';
import { every } from './every.ts';
import type { ServerEmitter } from './emitter.ts';
import { ownPlace } from './process-place.ts';
import type { Service } from './service.ts';

/** What a server says of itself. */
export interface Identity {
  readonly host: string;
  readonly pid: number;
  /** UUID of this server instance: two servers of one process and name still differ. */
  readonly serverId: string;
  readonly startedWallMs: number;
  /** Where its process is, as far as the system tells. */
  readonly place: ProcessPlace | undefined;
  /** How its leases name it (wire/lease-token). */
  readonly serverName: string;
}

/** Statuses as asynq's tools know them. */
export type PublishedStatus = 'active' | 'stopped' | 'closed';

/** What the heartbeat works with. */
export interface HeartbeatOptions {
  readonly broker: Pick<Broker, 'announce' | 'withdraw'>;
  readonly active: ActiveTasks;
  readonly emitter: ServerEmitter;
  readonly clock: Clock;
  readonly identity: Identity;
  readonly queues: Readonly<Record<string, number>>;
  readonly strictPriority: boolean;
  readonly concurrency: number;
  readonly intervalMs: number;
  status(): PublishedStatus;
}

/** `host:pid:uuid`. */
export function addressOf({ host, pid, serverId }: Identity): string {
  return `${host}:${pid}:${serverId}`;
}

/** What this process says of itself. `isSupervised`: a supervisor settles its death. */
export function identify(serverId: string, isSupervised: boolean): Identity {
  const place = ownPlace(isSupervised);
  return {
    host: hostName(),
    pid: process.pid,
    serverId,
    startedWallMs: Date.now(),
    place,
    serverName: encodeServerName(place === undefined ? { serverId } : { serverId, place }),
  };
}

/** The host's name, or what asynq writes where there is none. */
export function hostName(): string {
  const name = hostname();
  return name === '' ? 'unknown-host' : name;
}

/** Announces the server at every interval, at once at start, and withdraws it at stop. */
export class Heartbeat implements Service {
  readonly name = 'heartbeat';
  readonly #options: HeartbeatOptions;
  readonly #loop: Service;
  #lastMonotonicMs: number | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#loop = every({
      name: this.name,
      intervalMs: options.intervalMs,
      isImmediate: true,
      run: () => this.beat(),
      onFault: (where, error) => options.emitter.fault(where, error),
    });
  }

  async start(): Promise<void> {
    await this.#loop.start();
  }

  /** Withdraws the server; where Redis is away its entry ends by its TTL. */
  async stop(): Promise<void> {
    await this.#loop.stop();
    try {
      await this.#options.broker.withdraw(this.address);
    } catch (error) {
      this.#options.emitter.fault('withdraw', toError(error));
    }
  }

  /** The name of this server in Redis. */
  get address(): string {
    return addressOf(this.#options.identity);
  }

  /** Milliseconds since the last pass of the loop, whether Redis took it or not; `undefined` before the first. */
  get ageMs(): number | undefined {
    if (this.#lastMonotonicMs === undefined) return undefined;
    return this.#options.clock.monotonicMs() - this.#lastMonotonicMs;
  }

  /** One announcement. */
  async beat(): Promise<void> {
    this.#lastMonotonicMs = this.#options.clock.monotonicMs();
    await this.#options.broker.announce(this.#entry());
  }

  #entry(): PresenceEntry {
    const { identity, active, queues, strictPriority, concurrency, intervalMs } = this.#options;
    const running = active
      .inSlots()
      .filter(({ phase, aggregation }) => phase === 'running' && aggregation === undefined);
    const info = encodeServerInfo({
      host: identity.host,
      pid: identity.pid,
      serverId: identity.serverId,
      concurrency,
      queues: { ...queues },
      strictPriority,
      status: this.#options.status(),
      startTimeMs: identity.startedWallMs,
      activeWorkerCount: running.length,
    });
    return {
      address: this.address,
      info,
      workers: running.map((task) => ({ taskId: task.ref.id, info: this.#workerInfo(task) })),
      ttlSeconds: Math.max(1, Math.ceil((2 * intervalMs) / 1_000)),
    };
  }

  #workerInfo(task: ActiveTask): Uint8Array {
    const { identity, clock } = this.#options;
    const startTimeMs = task.startedWallMs ?? clock.wallMs();
    return encodeWorkerInfo({
      host: identity.host,
      pid: identity.pid,
      serverId: identity.serverId,
      taskId: task.ref.id,
      taskType: task.ref.type,
      taskPayload: shownPayload(task),
      queue: task.ref.queue,
      startTimeMs,
      deadlineMs: task.deadline?.deadlineMs ?? startTimeMs,
    });
  }
}

/** Messages beyond this are announced without their payload: asynq's tools show 200 characters of it. Bytes. */
const SHOWN_MESSAGE_BYTES = 65_536;

/** Read again from the message as leased: the payload itself was given to the thread. */
function shownPayload(task: ActiveTask): Uint8Array {
  if (task.raw.byteLength > SHOWN_MESSAGE_BYTES) return new Uint8Array();
  return decodeTaskMessage(task.raw).payload;
}
