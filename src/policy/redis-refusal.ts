/** Tells a Redis that is in no state to write, which passes, from a command that was wrong, which does not. */
import { RedisReplyError } from '../errors.ts';

/**
 * By Redis's own words: full; a replica; cannot save; has too few replicas; still reads its data; has lost its master; a
 * part of the Cluster is missing; busy with somebody's script. Redis 6.2 says it in the midst of a script's error.
 */
const STATES =
  /(?:^|[\s-])(OOM|READONLY|MISCONF|NOREPLICAS|LOADING|MASTERDOWN|CLUSTERDOWN|BUSY) ([^\n]*)/;

/** Why Redis writes nothing now. */
export interface RedisRefusal {
  /** Redis's word for it, such as `OOM`. */
  readonly code: string;
  /** Code and text, as Redis said it. */
  readonly text: string;
}

/** The refusal in an error; `undefined` for every other error. */
export function redisRefusal(error: unknown): RedisRefusal | undefined {
  if (!(error instanceof RedisReplyError)) return undefined;
  const [, code, text] = STATES.exec(error.message) ?? [];
  return code === undefined ? undefined : { code, text: `${code} ${text ?? ''}`.trim() };
}
