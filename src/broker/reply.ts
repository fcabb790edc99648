/** Reads script replies, which ioredis types as `unknown`: each function checks what it was given. */

/** For a reply that has another shape than its script promises: a fault of ours, not of the user. */
export function unexpected(reply: unknown, wanted: string): TypeError {
  return new TypeError(`a Redis script answered ${typeof reply}, not ${wanted}`);
}

export function toList(reply: unknown): readonly unknown[] {
  if (Array.isArray(reply)) return reply;
  throw unexpected(reply, 'a list');
}

/** The rows of a flat list, of so many values each. */
export function toRows(list: readonly unknown[], width: number): (readonly unknown[])[] {
  return Array.from({ length: list.length / width }, (_, row) =>
    list.slice(row * width, (row + 1) * width),
  );
}

/** A number, also when it came as text. */
export function toNumber(reply: unknown): number {
  if (typeof reply === 'number') return reply;
  return Number(toText(reply));
}

/** UTF-8 text. */
export function toText(reply: unknown): string {
  if (reply instanceof Uint8Array) return asBuffer(reply).toString('utf8');
  if (typeof reply === 'string') return reply;
  throw unexpected(reply, 'text');
}

/** The same memory. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Bytes that own their memory. A small reply is a view of a chunk that came from the socket, which it would keep alive:
 * it is copied. A large one was put together from several chunks and has its memory for itself: a second copy of a
 * message of 10 MB would take the main thread milliseconds.
 */
export function toBytes(reply: unknown): Uint8Array {
  if (!(reply instanceof Uint8Array)) throw unexpected(reply, 'bytes');
  const { buffer, byteLength } = reply;
  return buffer.byteLength === byteLength ? new Uint8Array(buffer) : new Uint8Array(reply);
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
  // Nanoseconds do not fit a number; microseconds do. Another server's clock may be ahead: never negative.
  return Math.max(0, (Number(now.slice(0, -3)) - Number(since.slice(0, -3))) / 1000);
}
