/**
 * The key space (protocol, section 2): every key name is made here. Names only; that queue names hold no braces is
 * checked where they come in (policy/enqueue-options, config).
 */
import { createHash } from 'node:crypto';

/** SET of all queue names. */
export const QUEUES = 'asynq:queues';
/** ZSET of server entries by the second at which they expire. */
export const SERVERS = 'asynq:servers';
/** ZSET of workers hashes by the second at which they expire. */
export const WORKERS = 'asynq:workers';
/** ZSET of scheduler lists by the second at which they expire. */
export const SCHEDULERS = 'asynq:schedulers';
/** Pub/Sub channel of cancel requests; a message is a bare task ID. */
export const CANCEL_CHANNEL = 'asynq:cancel';

/** STRING: the `ServerInfo` of the server at `address` (`host:pid:uuid`). */
export function serverKey(address: string): string {
  return `${SERVERS}:{${address}}`;
}

/** The address in a key of `serverKey`. */
export function serverAddress(key: string): string {
  return key.slice(SERVERS.length + 2, -1);
}

/** HASH: the `WorkerInfo`s of the server at `address`, by task ID. Shares the slot of `serverKey`. */
export function workersKey(address: string): string {
  return `${WORKERS}:{${address}}`;
}

/** LIST: the entries of one scheduler (`host:pid:uuid`). */
export function schedulerKey(schedulerId: string): string {
  return `${SCHEDULERS}:{${schedulerId}}`;
}

/** ZSET: the enqueue events of one scheduler entry. Without braces, unlike the others. */
export function schedulerHistoryKey(entryId: string): string {
  return `asynq:scheduler_history:${entryId}`;
}

/** All keys of one queue. They share the hash tag `{queue}`, hence one Cluster slot. */
export interface QueueKeys {
  /** `asynq:{queue}:` */
  readonly prefix: string;
  /** Prefix of the task hashes: a task's key is `taskPrefix` and its ID. */
  readonly taskPrefix: string;
  /** LIST; new tasks at the left, taken from the right. */
  readonly pending: string;
  /** LIST; always together with an entry in `lease`. */
  readonly active: string;
  /** ZSET by the second at which the lease ends. */
  readonly lease: string;
  /** ZSET by the second at which the task becomes due. */
  readonly scheduled: string;
  /** ZSET by the second at which the task becomes due. */
  readonly retry: string;
  /** ZSET by the second at which the task was archived. */
  readonly archived: string;
  /** ZSET by the second at which the task is deleted. */
  readonly completed: string;
  /** STRING; its existence pauses the queue. */
  readonly paused: string;
  /** All-time counter, failures included. */
  readonly processed: string;
  /** All-time counter. */
  readonly failed: string;
  /** SET of names of groups with waiting tasks. */
  readonly groups: string;
  /** ZSET of aggregation sets by the second at which they go stale. */
  readonly aggregationSets: string;
  /** HASH of our own: what the latest calls of one enqueuing client were answered, by slot. Expires. */
  calls(caller: string): string;
  /** HASH of one task. */
  task(id: string): string;
  /** ZSET of the tasks that wait in a group. */
  group(name: string): string;
  /** ZSET of the tasks staged for one aggregation. `setId` must hold no colon. */
  aggregationSet(name: string, setId: string): string;
  /** Counter of one UTC day (`YYYY-MM-DD`). */
  processedOn(day: string): string;
  /** Counter of one UTC day (`YYYY-MM-DD`). */
  failedOn(day: string): string;
  /**
   * Lock of a unique task: by type and the payload's MD5. `undefined` (no payload) and empty bytes give different
   * locks, as nil and empty slices do in Go.
   */
  unique(type: string, payload: Uint8Array | undefined): string;
}

/** The keys of `queue`. Cheap, yet worth keeping where a queue is used again and again. */
export function queueKeys(queue: string): QueueKeys {
  const prefix = `asynq:{${queue}}:`;
  const taskPrefix = `${prefix}t:`;
  return {
    prefix,
    taskPrefix,
    pending: `${prefix}pending`,
    active: `${prefix}active`,
    lease: `${prefix}lease`,
    scheduled: `${prefix}scheduled`,
    retry: `${prefix}retry`,
    archived: `${prefix}archived`,
    completed: `${prefix}completed`,
    paused: `${prefix}paused`,
    processed: `${prefix}processed`,
    failed: `${prefix}failed`,
    groups: `${prefix}groups`,
    aggregationSets: `${prefix}aggregation_sets`,
    calls: (caller) => `${prefix}threadmill_calls:${caller}`,
    task: (id) => taskPrefix + id,
    group: (name) => `${prefix}g:${name}`,
    aggregationSet: (name, setId) => `${prefix}g:${name}:${setId}`,
    processedOn: (day) => `${prefix}processed:${day}`,
    failedOn: (day) => `${prefix}failed:${day}`,
    unique: (type, payload) => `${prefix}unique:${type}:${checksum(payload)}`,
  };
}

function checksum(payload: Uint8Array | undefined): string {
  return payload === undefined ? '' : createHash('md5').update(payload).digest('hex');
}

/** The UTC day of an instant, as daily counters are named: `YYYY-MM-DD`. */
export function utcDay(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}
