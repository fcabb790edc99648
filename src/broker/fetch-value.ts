/** Large values of hashes come by an HGET of their own: inside a script they hold Redis several times as long. */
import type { Connection } from './connection.ts';
import { optional, toBytes } from './reply.ts';

/**
 * The value of a hash's field, in memory of its own or lent (`wire/spare-memory`); `undefined` where there is none. Comes by
 * the shorter way, if there is one that works. Where it finds nothing the ordinary way has the last word. Throws as
 * `Connection.run`.
 */
export async function fetchValue(
  connection: Connection,
  key: string,
  field: string,
): Promise<Uint8Array | undefined> {
  if (connection.isUp()) {
    const value = await connection.values?.hget(key, field).catch(() => undefined);
    if (value !== undefined) return value;
  }
  return await fetchOwn(connection, key, field);
}

/**
 * A value as `lib/value.lua` answers it, in memory of its own: itself, or a number where it is to be fetched. `undefined`
 * where there is none (any more). Throws as `Connection.run`.
 */
export async function fetchLeftOut(
  connection: Connection,
  key: string,
  field: string,
  reply: unknown,
): Promise<Uint8Array | undefined> {
  return typeof reply === 'number'
    ? await fetchOwn(connection, key, field)
    : optional(reply, toBytes);
}

/** The value of a hash's field in memory of its own; `undefined` where there is none. Throws as `Connection.run`. */
export async function fetchOwn(
  connection: Connection,
  key: string,
  field: string,
): Promise<Uint8Array | undefined> {
  return optional(await connection.run((redis) => redis.hgetBuffer(key, field), { key }), toBytes);
}
