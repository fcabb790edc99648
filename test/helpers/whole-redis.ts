/** Everything that is in a Redis, so that tests can show that nothing else was touched. */
import type { Redis } from 'ioredis';

/** All keys with what they hold; binary as Latin-1 text. `pttl` is left out: it runs on. */
export async function wholeRedis(client: Redis): Promise<Record<string, unknown>> {
  const keys = (await client.keys('*')).sort();
  const entries = keys.map(async (key) => [key, await valueOf(client, key)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

async function valueOf(client: Redis, key: string): Promise<unknown> {
  const text = (bytes: Buffer | null): string => bytes?.toString('latin1') ?? '';
  switch (await client.type(key)) {
    case 'string':
      return text(await client.getBuffer(key));
    case 'list':
      return client.lrange(key, 0, -1);
    case 'set':
      return (await client.smembers(key)).sort();
    case 'zset':
      return client.zrange(key, '0', '-1', 'WITHSCORES');
    case 'hash': {
      const fields = Object.entries(await client.hgetallBuffer(key)).sort();
      return Object.fromEntries(fields.map(([name, value]) => [name, text(value)]));
    }
    default:
      return 'of another type';
  }
}
