/** What the tests of batches share: Redis as it was left, with the instants of the run made alike. */
import type { Redis } from 'ioredis';
import { wholeRedis } from '../helpers/whole-redis.ts';

/** Seconds between instants that are told apart: a run that crosses into the next second leaves the same. */
const STEP = 1_000;
/** Seconds that a run may take. */
const LONGEST = 60;

/** Everything in Redis; instants as far from `now` (seconds) read the same at any time. */
export async function stateOf(client: Redis, now: number): Promise<unknown> {
  const text = JSON.stringify(await wholeRedis(client));
  const stamps = Array.from({ length: LONGEST }, (_, passed) => stampText(now + passed));
  return JSON.parse(
    stamps
      .reduce((left, stamp) => left.replaceAll(stamp, '<stamp>'), text)
      .replace(/\b\d{19}\b/g, '<ns>')
      .replace(/\b\d{13}\b/g, '<ms>')
      .replace(/\b1\d{9}\b/g, (seconds) => `<${Math.round((Number(seconds) - now) / STEP)}>`),
  );
}

/** An instant as a protobuf varint, as it stands in JSON. */
function stampText(seconds: number): string {
  const bytes: number[] = [];
  for (let rest = seconds; rest > 0; rest = Math.floor(rest / 128)) {
    bytes.push((rest % 128) + (rest > 127 ? 128 : 0));
  }
  return JSON.stringify(Buffer.from(bytes).toString('latin1')).slice(1, -1);
}
