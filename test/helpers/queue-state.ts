/** The whole state of one queue: written by `seed`, read by `queueState`, so that tests compare all of it. */
import type { Redis } from 'ioredis';
import { queueKeys } from '../../src/wire/keys.ts';

type Scores = Readonly<Record<string, number>>;
/** Fields of one task's hash. `msg` and `result` are bytes, the others text. */
export type TaskFields = Readonly<Record<string, string | Buffer>>;

/** Every key of a queue, by role. What does not exist is empty. */
export interface QueueState {
  /** From left (newest) to right (next to be taken). */
  readonly pending: readonly string[];
  readonly active: readonly string[];
  readonly lease: Scores;
  readonly scheduled: Scores;
  readonly retry: Scores;
  readonly archived: Scores;
  readonly completed: Scores;
  readonly tasks: Readonly<Record<string, TaskFields>>;
  readonly paused: string | undefined;
  /** `processed`, `failed` and the daily ones (`processed:2024-01-31`), as text. */
  readonly counters: Readonly<Record<string, string>>;
  /** Unique locks: full key to holder. */
  readonly locks: Readonly<Record<string, string>>;
  readonly groups: readonly string[];
  /** `g:` sets by group name, and aggregation sets by name and ID: `name:id`. */
  readonly group: Readonly<Record<string, Scores>>;
  /** Aggregation sets (`name:id`) by the second at which they go stale. */
  readonly aggregationSets: Scores;
  /** Tasks of closed sets, by ID of the set. */
  readonly closed: Readonly<Record<string, Scores>>;
  /** Closed sets, by ID, and the second at which they were closed. */
  readonly closedSets: Scores;
  /** Seconds to live of every key that has any, by its name without the queue's prefix. */
  readonly ttl: Readonly<Record<string, number>>;
}

const BINARY_FIELDS = new Set(['msg', 'result']);
const SETS = ['lease', 'scheduled', 'retry', 'archived', 'completed'] as const;
const LISTS = ['pending', 'active'] as const;

/** A queue's state with nothing in it but what is given. */
export function state(parts: Partial<QueueState> = {}): QueueState {
  return {
    pending: [],
    active: [],
    lease: {},
    scheduled: {},
    retry: {},
    archived: {},
    completed: {},
    tasks: {},
    paused: undefined,
    counters: {},
    locks: {},
    groups: [],
    group: {},
    aggregationSets: {},
    closed: {},
    closedSets: {},
    ttl: {},
    ...parts,
  };
}

/** Replaces all that is in Redis by one queue in this state. `ttl` is applied last. */
export async function seed(
  client: Redis,
  queue: string,
  parts: Partial<QueueState>,
): Promise<void> {
  const wanted = state(parts);
  const { prefix, ...keys } = queueKeys(queue);
  const batch = client.pipeline().flushall();
  for (const list of LISTS) for (const id of wanted[list]) batch.rpush(keys[list], id);
  for (const set of SETS) addScores(keys[set], wanted[set]);
  for (const [name, scores] of Object.entries(wanted.group)) addScores(keys.group(name), scores);
  for (const [id, scores] of Object.entries(wanted.closed)) addScores(keys.closedSet(id), scores);
  addScores(keys.aggregationSets, wanted.aggregationSets, keys.group(''));
  addScores(keys.closedSets, wanted.closedSets, keys.closedSet(''));
  for (const [id, fields] of Object.entries(wanted.tasks)) batch.hset(keys.task(id), fields);
  for (const [name, value] of Object.entries(wanted.counters)) batch.set(prefix + name, value);
  for (const [key, value] of Object.entries(wanted.locks)) batch.set(key, value);
  for (const name of wanted.groups) batch.sadd(keys.groups, name);
  if (wanted.paused !== undefined) batch.set(keys.paused, wanted.paused);
  for (const [name, seconds] of Object.entries(wanted.ttl)) batch.expire(prefix + name, seconds);
  const results = await batch.exec();
  for (const [error] of results ?? []) if (error) throw error;

  function addScores(key: string, scores: Scores, before = ''): void {
    for (const [id, score] of Object.entries(scores)) batch.zadd(key, score, before + id);
  }
}

/** Reads one queue's whole state. Throws for a key that asynq does not know. */
export async function queueState(client: Redis, queue: string): Promise<QueueState> {
  const { prefix } = queueKeys(queue);
  const keys = (await client.keys('*')).filter((key) => key.startsWith(prefix)).sort();
  const found = new Reading(client, prefix);
  for (const key of keys) await found.read(key);
  return found.state;
}

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

class Reading {
  readonly state: Mutable<QueueState> = state();
  readonly #client: Redis;
  readonly #prefix: string;

  constructor(client: Redis, prefix: string) {
    this.#client = client;
    this.#prefix = prefix;
  }

  async read(key: string): Promise<void> {
    const name = key.slice(this.#prefix.length);
    if (name.startsWith('threadmill_calls:')) return; // what producers were answered: no part of the queue
    const seconds = await this.#client.ttl(key);
    if (seconds >= 0) this.state.ttl = { ...this.state.ttl, [name]: seconds };
    const list = LISTS.find((known) => known === name);
    const set = SETS.find((known) => known === name);
    if (list) this.state[list] = await this.#client.lrange(key, 0, -1);
    else if (set) this.state[set] = await this.#scores(key);
    else await this.#readOther(key, name);
  }

  async #readOther(key: string, name: string): Promise<void> {
    const { state: found } = this;
    if (name.startsWith('t:')) {
      found.tasks = { ...found.tasks, [name.slice(2)]: await this.#fields(key) };
    } else if (name.startsWith('g:')) {
      found.group = { ...found.group, [name.slice(2)]: await this.#scores(key) };
    } else if (name.startsWith('threadmill_aggregated:')) {
      const id = name.slice('threadmill_aggregated:'.length);
      found.closed = { ...found.closed, [id]: await this.#scores(key) };
    } else if (name === 'threadmill_aggregated') {
      found.closedSets = await this.#scores(key, `${this.#prefix}threadmill_aggregated:`);
    } else if (name === 'aggregation_sets') {
      found.aggregationSets = await this.#scores(key, `${this.#prefix}g:`);
    } else if (name.startsWith('unique:')) {
      found.locks = { ...found.locks, [key]: await this.#text(key) };
    } else if (/^(processed|failed)(:|$)/.test(name)) {
      found.counters = { ...found.counters, [name]: await this.#text(key) };
    } else if (name === 'groups') {
      found.groups = (await this.#client.smembers(key)).sort();
    } else if (name === 'paused') {
      found.paused = await this.#text(key);
    } else {
      throw new Error(`unknown key ${key}`);
    }
  }

  async #text(key: string): Promise<string> {
    return (await this.#client.get(key)) ?? '';
  }

  /** By member, without this prefix of theirs. */
  async #scores(key: string, prefix = ''): Promise<Scores> {
    const reply = await this.#client.zrange(key, '0', '-1', 'WITHSCORES');
    const scores: Record<string, number> = {};
    for (let i = 0; i < reply.length; i += 2)
      scores[(reply[i] ?? '').slice(prefix.length)] = Number(reply[i + 1]);
    return scores;
  }

  async #fields(key: string): Promise<TaskFields> {
    const fields: Record<string, string | Buffer> = {};
    for (const [name, value] of Object.entries(await this.#client.hgetallBuffer(key))) {
      fields[name] = BINARY_FIELDS.has(name) ? value : value.toString('utf8');
    }
    return fields;
  }
}

/** The state without `pending_since`, which holds nanoseconds that no test can foretell. */
export function withoutPendingSince(full: QueueState): QueueState {
  const tasks = Object.entries(full.tasks).map(([id, fields]) => {
    const { pending_since: _dropped, ...rest } = fields;
    return [id, rest];
  });
  return { ...full, tasks: Object.fromEntries(tasks) };
}
