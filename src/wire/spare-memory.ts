/**
 * Memory of large messages, used again for the next: as garbage each megabyte would bring the next collection of the whole
 * heap nearer, which takes ten times as long as reading it. Lent for as long as somebody holds it; what is not given back
 * is collected like anything else.
 *
 * It is shared memory, out of which a thread can copy what it needs while the message stays here. V8 does not count such
 * memory, and collects nothing for its sake: beyond a bound of our own what is lent is ordinary memory.
 */

/** Kept for the next at most. */
const MAX_SPARE_BYTES = 33_554_432;
/** Sizes are rounded up to this, so that messages of about one size can follow each other. */
const STEP_BYTES = 65_536;
/** Shared memory in all: lent, kept, and not collected yet. */
const MAX_SHARED_BYTES = 67_108_864;

const spare: ArrayBufferLike[] = [];
let spareBytes = 0;
let sharedBytes = 0;
const collected = new FinalizationRegistry<number>((size) => {
  sharedBytes -= size;
});
/** How many want it kept: those through whom the next message may come. */
let keepers = 0;
/** Not the memory itself: that may be lent to somebody else by the time it is given back once more. */
const lent = new WeakSet<Uint8Array>();

/** So many bytes, with whatever was in them before. */
export function lendBytes(length: number): Uint8Array {
  const size = Math.ceil(length / STEP_BYTES) * STEP_BYTES;
  const bytes = new Uint8Array(spareOf(size) ?? allocate(size), 0, length);
  lent.add(bytes);
  return bytes;
}

/** Not a larger one: it would be held by a smaller message. */
function spareOf(size: number): ArrayBufferLike | undefined {
  const at = spare.findLastIndex(({ byteLength }) => byteLength === size);
  if (at < 0) return undefined;
  spareBytes -= size;
  return spare.splice(at, 1)[0];
}

function allocate(size: number): ArrayBufferLike {
  if (sharedBytes + size > MAX_SHARED_BYTES) return Buffer.allocUnsafeSlow(size).buffer;
  sharedBytes += size;
  const buffer = new SharedArrayBuffer(size);
  collected.register(buffer, size);
  return buffer;
}

/** Takes back what was lent: nobody may read it any more. Ignores all other bytes, and what was given back before. */
export function giveBack(bytes: Uint8Array): void {
  if (!lent.delete(bytes) || keepers === 0) return;
  const { buffer } = bytes;
  if (buffer.byteLength > MAX_SPARE_BYTES) return;
  // The oldest make room: messages of their size may come no more.
  while (spareBytes + buffer.byteLength > MAX_SPARE_BYTES) {
    spareBytes -= spare.shift()?.byteLength ?? 0;
  }
  spare.push(buffer);
  spareBytes += buffer.byteLength;
}

/** From now on what is given back is kept, until the same caller calls `dropSpare`. */
export function keepSpare(): void {
  keepers += 1;
}

/** No more is to come soon through this caller. What is kept is forgotten when nobody else wants it. */
export function dropSpare(): void {
  keepers -= 1;
  if (keepers > 0) return;
  spare.length = 0;
  spareBytes = 0;
}
