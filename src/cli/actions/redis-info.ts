/** What Redis says of itself. */
import { createRedisBroker } from '../../broker/redis-broker.ts';
import { DEFAULT_QUEUE } from '../../task.ts';
import { clientOptions } from '../open-client.ts';
import type { Call } from '../redis-command.ts';

/** The fields of `INFO`; of a Cluster, those of the server that has the queue `default`. */
export async function redisInfo({ input }: Call): Promise<Readonly<Record<string, string>>> {
  const { redis, connectTimeout } = await clientOptions(input);
  const broker = createRedisBroker({ redis, connectTimeoutMs: Number(connectTimeout) });
  try {
    return Object.fromEntries(await broker.health.info(DEFAULT_QUEUE));
  } finally {
    await broker.close();
  }
}
