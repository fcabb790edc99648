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

/** What the keys of our own begin with that say who leads a schedule entry; its ID follows. They share one slot. */
export const SCHEDULE_LEASES = 'asynq:{threadmill_schedule}:';

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
  /** ZSET of our own: closed sets, by the second at which their aggregation was over. */
  readonly closedSets: string;
  /** STRINGs of our own, with `:` and a slot behind this: what the latest calls of one enqueuing client were answered. Expire. */
  calls(caller: string): string;
  /** HASH of our own: values on their way into the hash of a task. Expires. */
  staged(id: string): string;
  /** HASH of one task. */
  task(id: string): string;
  /** ZSET of the tasks that wait in a group. */
  group(name: string): string;
  /** ZSET of the tasks staged for one aggregation. `setId` must hold no colon. */
  aggregationSet(name: string, setId: string): string;
  /** ZSET of our own: what was an aggregation set until its tasks were aggregated; they are about to be deleted. */
  closedSet(setId: string): string;
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

const known = new Map<string, QueueKeys>();
/** Queues whose keys are kept. A caller with more of them at once only pays for making the keys again. */
const MAX_KNOWN = 2_000;

/** The keys of `queue`; kept, since every call of a queue begins with them. */
export function queueKeys(queue: string): QueueKeys {
  const kept = known.get(queue);
  if (kept !== undefined) return kept;
  if (known.size >= MAX_KNOWN) known.clear();
  const keys = makeKeys(queue);
  known.set(queue, keys);
  return keys;
}

function makeKeys(queue: string): QueueKeys {
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
    closedSets: `${prefix}threadmill_aggregated`,
    calls: (caller) => `${prefix}threadmill_calls:${caller}`,
    staged: (id) => `${prefix}threadmill_staged:${id}`,
    task: (id) => taskPrefix + id,
    group: (name) => `${prefix}g:${name}`,
    aggregationSet: (name, setId) => `${prefix}g:${name}:${setId}`,
    closedSet: (setId) => `${prefix}threadmill_aggregated:${setId}`,
    processedOn: (day) => `${prefix}processed:${day}`,
    failedOn: (day) => `${prefix}failed:${day}`,
    unique: (type, payload) => `${prefix}unique:${type}:${checksum(payload)}`,
  };
}

/** The queue of a key of `queueKeys`, and what follows the prefix; `undefined` for any other key. */
export function splitQueueKey(key: string): { queue: string; name: string } | undefined {
  const end = key.indexOf('}:');
  if (!key.startsWith('asynq:{') || end < 0) return undefined;
  return { queue: key.slice('asynq:{'.length, end), name: key.slice(end + 2) };
}

function checksum(payload: Uint8Array | undefined): string {
  return payload === undefined ? '' : createHash('md5').update(payload).digest('hex');
}

/** The UTC day of an instant, as daily counters are named: `YYYY-MM-DD`. */
export function utcDay(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}
