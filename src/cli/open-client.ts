/** Client and inspector of a command: on the Redis of its settings, else on the one that a runtime in this folder shares. */
import { Client, type ClientOptions } from '../client.ts';
import { type CommandInput, resolveEnqueueSettings } from '../config.ts';
import { sharedRedisUrl } from '../embedded/shared-redis-url.ts';
import { InvalidOptionsError } from '../errors.ts';
import { Inspector } from '../inspector/inspector.ts';
import type { InspectorMethods } from '../inspector/types.ts';
import type { Call } from './redis-command.ts';

/** Opens a client, which the caller closes. Rejects with `InvalidOptionsError` that lists every wrong setting. */
export async function openClient(input: CommandInput): Promise<Client> {
  return new Client(await clientOptions(input));
}

/** Acts with an inspector, which is closed at the end. Rejects as `openClient` and as the act. */
export async function withInspector<Result>(
  { input }: Call,
  act: (inspector: InspectorMethods) => Promise<Result>,
): Promise<Result> {
  const { redis, connectTimeout } = await clientOptions(input);
  const inspector = new Inspector({ redis, connectTimeout });
  try {
    return await act(inspector);
  } finally {
    await inspector.close();
  }
}

/** The options of client, inspector and broker. Rejects with `InvalidOptionsError` that lists every wrong setting. */
export async function clientOptions(input: CommandInput): Promise<Required<ClientOptions>> {
  const settings = await resolveEnqueueSettings(input);
  return {
    redis: settings.redis ?? findSharedRedis(input.cwd),
    connectTimeout: settings.connectTimeoutMs,
    maxPayloadSize: settings.maxPayloadSize,
  };
}

function findSharedRedis(cwd: string): string {
  const url = sharedRedisUrl(cwd);
  if (url !== undefined) return url;
  const accepts =
    'a Redis URL; without it, threadmill must be running in this folder with a Redis of its own';
  throw new InvalidOptionsError([{ name: 'REDIS_URL', value: undefined, accepts }]);
}
