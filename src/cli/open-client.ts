/** The client of a command: on the Redis of its settings, else on the one that a runtime in this folder shares. */
import { Client } from '../client.ts';
import { type CommandInput, resolveEnqueueSettings } from '../config.ts';
import { sharedRedisUrl } from '../embedded/shared-redis-url.ts';
import { InvalidOptionsError } from '../errors.ts';

/** Opens a client, which the caller closes. Rejects with `InvalidOptionsError` that lists every wrong setting. */
export async function openClient(input: CommandInput): Promise<Client> {
  const settings = await resolveEnqueueSettings(input);
  return new Client({
    redis: settings.redis ?? findSharedRedis(input.cwd),
    connectTimeout: settings.connectTimeoutMs,
    maxPayloadSize: settings.maxPayloadSize,
  });
}

function findSharedRedis(cwd: string): string {
  const url = sharedRedisUrl(cwd);
  if (url !== undefined) return url;
  const accepts =
    'a Redis URL; without it, threadmill must be running in this folder with a Redis of its own';
  throw new InvalidOptionsError([{ name: 'REDIS_URL', value: undefined, accepts }]);
}
