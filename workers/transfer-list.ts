/** From here on a transfer costs less than a copy. */
const TRANSFER_FROM_BYTES = 16_384;

/**
 * The buffers worth a transfer. Only for bytes from `encodePayload`, which own their memory: what a handler keeps must
 * not be taken away from it, and a slice of a pooled Buffer would bring the whole pool along.
 */
export function transferList(items: readonly (Uint8Array | undefined)[]): ArrayBuffer[] {
  return items.flatMap((bytes) =>
    bytes !== undefined && bytes.byteLength >= TRANSFER_FROM_BYTES ? ownBuffer(bytes) : [],
  );
}

function ownBuffer({ buffer, byteLength }: Uint8Array): ArrayBuffer[] {
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [];
}
