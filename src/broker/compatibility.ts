/** Says whether Threadmill can work with the server at the other end: Redis 6.2 or later, Valkey 7.2 or later. */
import { UnsupportedRedisError } from '../errors.ts';
import type { RedisFacts } from './broker.ts';
import type { BrokerContext } from './context.ts';

type Fields = ReadonlyMap<string, string>;

const OLDEST = { redis: [6, 2], valkey: [7, 2] } as const;
/** Fields by which servers that only speak Redis's protocol name themselves. They lack scripts, commands or both. */
const OTHER_PRODUCTS = ['dragonfly', 'kvrocks', 'keydb', 'garnet', 'pika', 'tendis'];

/** Reads product, version and eviction policy. Throws `UnsupportedRedisError`. */
export async function check(context: BrokerContext): Promise<RedisFacts> {
  const [server, memory] = await context.connection.run((redis) =>
    Promise.all([redis.info('server'), redis.info('memory')]),
  );
  return readFacts(`${server}\n${memory}`);
}

/**
 * The facts in the text of `INFO`. Throws `UnsupportedRedisError` for a product or version that is not supported. The
 * eviction policy comes from `INFO` because hosted servers forbid `CONFIG`.
 */
export function readFacts(info: string): RedisFacts {
  const fields = readFields(info);
  const product = productOf(fields);
  const version = fields.get(`${product}_version`);
  if (version === undefined) throw new UnsupportedRedisError('a server that names no version');
  if (!isSupported(product, version)) throw new UnsupportedRedisError(`${product} ${version}`);
  return { product, version, evictionPolicy: fields.get('maxmemory_policy') };
}

function productOf(fields: Fields): RedisFacts['product'] {
  const name = fields.get('server_name');
  const other = OTHER_PRODUCTS.find(
    (product) => fields.has(`${product}_version`) || name === product,
  );
  if (other !== undefined) {
    throw new UnsupportedRedisError(`${other} ${fields.get(`${other}_version`) ?? ''}`.trim());
  }
  // Valkey also gives a redis_version, that of the Redis it is compatible with.
  return name === 'valkey' || fields.has('valkey_version') ? 'valkey' : 'redis';
}

function isSupported(product: RedisFacts['product'], version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST[product];
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}

/** The fields of an `INFO` reply. */
export function readFields(info: string): Fields {
  const lines = info.split(/\r?\n/).filter((line) => line.includes(':') && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
}
