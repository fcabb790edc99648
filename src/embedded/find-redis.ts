/** Which Redis a client uses when it is told none. */
import { NoRedisError } from '../errors.ts';
import { sharedRedisUrl } from './embedded-redis.ts';

/** `REDIS_URL`, else the embedded Redis that `npm start` runs in this folder; throws `NoRedisError` without either. */
export function findRedis(): string {
  const configured = process.env['REDIS_URL'];
  if (configured !== undefined && configured !== '') return configured;
  const shared = sharedRedisUrl(process.cwd());
  if (shared === undefined) throw new NoRedisError();
  return shared;
}
