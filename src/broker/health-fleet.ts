/** The doctor's looks at Redis itself and at the fleet: plain commands, and the caller of `health-prune.lua`. */
import { decodeServerInfo } from '../wire/server-info.ts';
import {
  QUEUES,
  queueKeys,
  SCHEDULERS,
  schedulerKey,
  serverKey,
  SERVERS,
  WORKERS,
  workersKey,
} from '../wire/keys.ts';
import type { HealthLooks, ListedPresence, PresenceList } from './broker.ts';
import { type BrokerContext, call } from './context.ts';
import {
  figures,
  groupNames,
  leakedLocks,
  lookAtContainer,
  lookAtGroups,
  strayHashes,
  strayLeases,
} from './health-looks.ts';
import { readFields } from './compatibility.ts';
import { toNumber } from './reply.ts';

/** Keys per step of a scan: Redis looks at so many, whether they match or not. */
const SCAN_STEP = 500;
/** An entry is only removed when it has been over for so long. */
const STALE_SECONDS = 60;

const LISTS: Readonly<Record<PresenceList, { key: string; entry: (address: string) => string }>> = {
  servers: { key: SERVERS, entry: serverKey },
  workers: { key: WORKERS, entry: workersKey },
  schedulers: { key: SCHEDULERS, entry: schedulerKey },
};

/** All of the doctor's calls. */
export function healthLooks(context: BrokerContext): HealthLooks {
  return {
    nodes: (queues) => nodes(context, queues),
    info: (queue) => info(context, queue),
    saveSetting: (queue) => saveSetting(context, queue),
    time: (queue) => time(context, queue),
    scanKeys: (...args) => scanKeys(context, ...args),
    figures: (queue) => figures(context, queue),
    lookAtContainer: (part) => lookAtContainer(context, part),
    strayHashes: (...args) => strayHashes(context, ...args),
    leakedLocks: (...args) => leakedLocks(context, ...args),
    groupNames: (queue) => groupNames(context, queue),
    lookAtGroups: (...args) => lookAtGroups(context, ...args),
    strayLeases: (...args) => strayLeases(context, ...args),
    presence: () => presence(context),
    servedQueues: (address) => servedQueues(context, address),
    claimed: (...args) => claimed(context, ...args),
    prunePresence: (list) => prunePresence(context, list),
    listQueues: (queues) => listQueues(context, queues),
  };
}

/** By which of these queues each server is reached, seen from the connection: no command is sent. */
async function nodes(
  { connection }: BrokerContext,
  queues: readonly string[],
): Promise<{ node: string; queue: string }[]> {
  const found = new Map<string, string>();
  for (const queue of queues) {
    const key = queueKeys(queue).pending;
    const node = await connection.run(
      ({ options: { path, host, port } }) => Promise.resolve(path ?? `${host}:${port}`),
      { key },
    );
    if (!found.has(node)) found.set(node, queue);
  }
  return [...found].map(([node, queue]) => ({ node, queue }));
}

async function info(
  { connection }: BrokerContext,
  queue: string,
): Promise<ReadonlyMap<string, string>> {
  return readFields(
    await connection.run((redis) => redis.info(), { key: queueKeys(queue).pending }),
  );
}

async function saveSetting({ connection }: BrokerContext, queue: string): Promise<string> {
  const reply: unknown = await connection.run((redis) => redis.call('CONFIG', 'GET', 'save'), {
    key: queueKeys(queue).pending,
  });
  // A list under RESP2, a map under RESP3.
  if (Array.isArray(reply)) return String(reply[1] ?? '');
  return String(Object.values(reply ?? {})[0] ?? '');
}

async function time({ connection }: BrokerContext, queue: string): Promise<number> {
  const key = queueKeys(queue).pending;
  return clockMs(await connection.run((redis) => redis.time(), { key }));
}

/** The reply to `TIME`, seconds and microseconds as text, in milliseconds. */
function clockMs([seconds, microseconds]: readonly unknown[]): number {
  return Number(seconds) * 1000 + Number(microseconds) / 1000;
}

async function scanKeys(
  { connection }: BrokerContext,
  queue: string,
  cursor: string,
): Promise<{ cursor: string; keys: string[] }> {
  const [next, keys] = await connection.run(
    (redis) => redis.scan(cursor, 'MATCH', 'asynq:{*', 'COUNT', `${SCAN_STEP}`),
    { key: queueKeys(queue).pending },
  );
  return { cursor: next, keys };
}

async function presence(context: BrokerContext): Promise<ListedPresence[]> {
  const lists = Object.keys(LISTS) as PresenceList[];
  return (await Promise.all(lists.map((list) => listed(context, list)))).flat();
}

async function listed(
  { connection, offsetSeconds }: BrokerContext,
  list: PresenceList,
): Promise<ListedPresence[]> {
  const { key, entry } = LISTS[list];
  // In pairs under RESP3, in one row under RESP2.
  const reply = (
    (await connection.run((redis) => redis.zrange(key, '0', '-1', 'WITHSCORES'), {
      key,
    })) as unknown[]
  ).flat();
  const pairs = reply.flatMap((name, index) =>
    index % 2 === 0 ? [{ name: String(name), score: Number(reply[index + 1]) }] : [],
  );
  return Promise.all(
    pairs.map(async ({ name, score }) => {
      const address = name.slice(key.length + 2, -1);
      // One after the other on one connection: of the same instant but for what lies between two commands.
      const [left, clock] = await connection.run(
        (redis) => Promise.all([redis.ttl(entry(address)), redis.time()]),
        { key: entry(address) },
      );
      return {
        list,
        address,
        expiresAtMs: score * 1000,
        leftMs: left < 0 ? undefined : left * 1000,
        nowMs: clockMs(clock) + offsetSeconds * 1000,
      };
    }),
  );
}

async function servedQueues(
  { connection }: BrokerContext,
  address: string,
): Promise<string[] | undefined> {
  const key = serverKey(address);
  const bytes = await connection.run((redis) => redis.getBuffer(key), { key });
  if (bytes === null) return undefined;
  try {
    return Object.keys(decodeServerInfo(bytes).queues);
  } catch {
    return undefined; // readers of the fleet pass such an entry by
  }
}

async function claimed(
  { connection }: BrokerContext,
  address: string,
  ids: readonly string[],
): Promise<string[]> {
  const key = workersKey(address);
  const infos = await connection.run((redis) => redis.hmgetBuffer(key, ...ids), { key });
  return ids.filter((_, index) => infos[index] !== null && infos[index] !== undefined);
}

async function prunePresence(context: BrokerContext, list: PresenceList): Promise<number> {
  const args = [context.offsetSeconds, STALE_SECONDS];
  return toNumber(await call(context, 'health-prune', [LISTS[list].key], args));
}

function listQueues({ connection }: BrokerContext, queues: readonly string[]): Promise<number> {
  return connection.run((redis) => redis.sadd(QUEUES, ...queues), { key: QUEUES });
}
