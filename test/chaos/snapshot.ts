/** What Redis holds at one instant: every ID in its places, every hash, every lock. Read by one script, changed by none. */
import type { Redis } from 'ioredis';
import { QUEUES } from './settings.ts';

/** One queue. */
export interface QueueSnapshot {
  readonly queue: string;
  /** IDs by container; an ID that is twice in a list stands there twice. */
  readonly places: Readonly<Record<Place, readonly string[]>>;
  /** IDs in `lease` with their scores. */
  readonly leases: Readonly<Record<string, number>>;
  /** Fields of hashes by ID. */
  readonly hashes: Readonly<Record<string, HashFields>>;
  /** Keys of uniqueness locks. */
  readonly locks: readonly string[];
}

/** Where an ID may stand. */
export const PLACES = ['pending', 'active', 'scheduled', 'retry', 'archived', 'completed'] as const;
export type Place = (typeof PLACES)[number];

/** What the oracle wants of a hash; absent fields are ''. */
export interface HashFields {
  readonly state: string;
  readonly result: string;
  /** `<server> <run> <expiry>` */
  readonly lease: string;
  readonly begun: string;
  /** Base64: the message. */
  readonly message: string;
}

/** All queues, by Redis's clock. */
export interface Snapshot {
  readonly atMs: number;
  readonly queues: readonly QueueSnapshot[];
  /** `host:pid:uuid` of each server that is announced. */
  readonly servers: readonly string[];
}

/** Hashes are looked up by ID (of the containers), or all by pattern where the snapshot is to be complete. */
const SCRIPT = `
local queue, full = ARGV[1], ARGV[2] == '1'
local prefix = 'asynq:{' .. queue .. '}:'
local now = redis.call('TIME')
local function sorted(name, upTo)
  return redis.call('ZRANGE', prefix .. name, 0, upTo)
end
local places = {
  pending = redis.call('LRANGE', prefix .. 'pending', 0, -1),
  active = redis.call('LRANGE', prefix .. 'active', 0, -1),
  scheduled = sorted('scheduled', -1),
  retry = sorted('retry', -1),
  archived = full and sorted('archived', -1) or {},
  completed = full and sorted('completed', -1) or {},
}
local hashes = {}
local function look_at(id)
  local key = prefix .. 't:' .. id
  if hashes[id] == nil and redis.call('EXISTS', key) == 1 then
    local fields = redis.call('HMGET', key, 'state', 'result', 'threadmill_lease', 'threadmill_begun', 'msg')
    for i = 1, 5 do fields[i] = fields[i] or '' end
    hashes[id] = fields
  end
end
for _, ids in pairs(places) do
  for _, id in ipairs(ids) do look_at(id) end
end
if full then
  for _, key in ipairs(redis.call('KEYS', prefix .. 't:*')) do
    look_at(string.sub(key, #prefix + 3))
  end
end
local flat = {}
for id, fields in pairs(hashes) do
  flat[#flat + 1] = id
  for i = 1, 5 do flat[#flat + 1] = fields[i] end
end
local lists = {}
for i, name in ipairs({ 'pending', 'active', 'scheduled', 'retry', 'archived', 'completed' }) do
  lists[i] = places[name]
end
return {
  now, lists, redis.call('ZRANGE', prefix .. 'lease', 0, -1, 'WITHSCORES'), flat,
  full and redis.call('KEYS', prefix .. 'unique:*') or {},
}
`;

const SERVERS_KEY = 'asynq:servers';

/** Reads all queues of the run. `isFull`: with completed and archived tasks, and hashes that stand nowhere. */
export async function takeSnapshot(redis: Redis, isFull: boolean): Promise<Snapshot> {
  const names = Object.keys(QUEUES);
  const replies = await Promise.all([
    redis.zrange(SERVERS_KEY, '0', '-1'),
    ...names.map((queue) => redis.callBuffer('EVAL', SCRIPT, 0, queue, isFull ? '1' : '0')),
  ]);
  const [servers, ...queues] = replies as [string[], ...Reply[]];
  return {
    atMs: Math.max(...queues.map(([[seconds, micros]]) => toMs(seconds, micros))),
    queues: queues.map((reply, index) => readQueue(names[index] ?? '', reply)),
    servers: servers.map((key) => key.replace(/^asynq:servers:\{(.*)\}$/, '$1')),
  };
}

type Reply = [[Buffer, Buffer], Buffer[][], Buffer[], Buffer[], Buffer[]];

function toMs(seconds: Buffer, micros: Buffer): number {
  return Number(seconds) * 1_000 + Number(micros) / 1_000;
}

function readQueue(queue: string, [, lists, leases, flat, locks]: Reply): QueueSnapshot {
  const listOf = (place: Place): string[] => (lists[PLACES.indexOf(place)] ?? []).map(String);
  const hashes: [string, HashFields][] = [];
  for (let i = 0; i < flat.length; i += 6) {
    const texts = flat.slice(i, i + 5).map(String);
    const [id = '', state = '', result = '', lease = '', begun = ''] = texts;
    const message = flat[i + 5]?.toString('base64') ?? '';
    hashes.push([id, { state, result, lease, begun, message }]);
  }
  const scores: [string, number][] = [];
  for (let i = 0; i < leases.length; i += 2)
    scores.push([String(leases[i]), Number(leases[i + 1])]);
  return {
    queue,
    places: {
      pending: listOf('pending'),
      active: listOf('active'),
      scheduled: listOf('scheduled'),
      retry: listOf('retry'),
      archived: listOf('archived'),
      completed: listOf('completed'),
    },
    hashes: Object.fromEntries(hashes),
    leases: Object.fromEntries(scores),
    locks: locks.map(String),
  };
}
