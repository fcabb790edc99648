/** Reads script replies, which ioredis types as `unknown`: each function checks what it was given. */

/** Thrown when a reply has another shape than its script promises: a fault of ours, not of the user. */
function unexpected(reply: unknown, wanted: string): TypeError {
  return new TypeError(`a Redis script answered ${typeof reply}, not ${wanted}`);
}

export function toList(reply: unknown): readonly unknown[] {
  if (Array.isArray(reply)) return reply;
  throw unexpected(reply, 'a list');
}

/** A number, also when it came as text. */
export function toNumber(reply: unknown): number {
  if (typeof reply === 'number') return reply;
  return Number(toText(reply));
}

/** UTF-8 text. */
export function toText(reply: unknown): string {
  if (reply instanceof Uint8Array) return Buffer.from(reply).toString('utf8');
  if (typeof reply === 'string') return reply;
  throw unexpected(reply, 'text');
}

/** Bytes that own their memory: the reply is a view of a larger chunk that came from the socket. */
export function toBytes(reply: unknown): Uint8Array {
  if (reply instanceof Uint8Array) return new Uint8Array(reply);
  throw unexpected(reply, 'bytes');
}

/** `undefined` for Redis's nil, else what `read` makes of it. */
export function optional<Value>(
  reply: unknown,
  read: (reply: unknown) => Value,
): Value | undefined {
  return reply === null || reply === undefined ? undefined : read(reply);
}

/** Milliseconds from one instant to another, both nanoseconds in decimal text; `undefined` when either cannot be read. */
export function elapsedMs(since: string | undefined, now: string): number | undefined {
  if (since === undefined || !/^\d{1,19}$/.test(since)) return undefined;
  // BigInt, as nanoseconds do not fit a number. Another server's clock may be ahead: never negative.
  return Math.max(0, Number((BigInt(now) - BigInt(since)) / 1000n) / 1000);
}
