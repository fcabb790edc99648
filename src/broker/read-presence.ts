/** Reads what servers and schedulers say of themselves: the caller of `live-entries.lua`. */
import { SCHEDULERS, schedulerHistoryKey, SERVERS, WORKERS } from '../wire/keys.ts';
import type { ServerBytes } from './broker.ts';
import { type BrokerContext, call } from './context.ts';
import { optional, toBytes, toList, toText } from './reply.ts';

/** Entries of all living servers and their workers (protocol 13.8). One that has ended meanwhile is left out. */
export async function servers(context: BrokerContext): Promise<ServerBytes> {
  const { connection } = context;
  const [infoKeys, workerKeys] = await Promise.all([
    liveEntries(context, SERVERS),
    liveEntries(context, WORKERS),
  ]);
  const [infos, workers] = await Promise.all([
    Promise.all(infoKeys.map((key) => connection.run((redis) => redis.getBuffer(key), { key }))),
    Promise.all(
      workerKeys.map((key) => connection.run((redis) => redis.hvalsBuffer(key), { key })),
    ),
  ]);
  return {
    infos: infos.flatMap((info) => optional(info, toBytes) ?? []),
    workers: workers.flat().map(toBytes),
  };
}

/** Entries of all living schedulers (protocol 13.9). */
export async function scheduleEntries(context: BrokerContext): Promise<Uint8Array[]> {
  const keys = await liveEntries(context, SCHEDULERS);
  const lists = await Promise.all(
    keys.map((key) => context.connection.run((redis) => redis.lrangeBuffer(key, 0, -1), { key })),
  );
  return lists.flat().map(toBytes);
}

/** Enqueue events of one entry, newest first (protocol 13.10). */
export async function scheduleEvents(
  { connection }: BrokerContext,
  entryId: string,
  start: number,
  count: number,
): Promise<Uint8Array[]> {
  const key = schedulerHistoryKey(entryId);
  const events = await connection.run(
    (redis) => redis.zrangeBuffer(key, `${start}`, `${start + count - 1}`, 'REV'),
    { key },
  );
  return events.map(toBytes);
}

/** The keys in one of the fleet's lists that have not expired; the others are removed from it. */
async function liveEntries(context: BrokerContext, list: string): Promise<string[]> {
  const reply = await call(context, 'live-entries', [list], [context.offsetSeconds]);
  return toList(reply).map(toText);
}
