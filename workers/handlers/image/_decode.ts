/** Decodes JPEG and PNG in JavaScript, inside the thread. */
import jpeg from 'jpeg-js';
import { PNG } from 'pngjs';
import { SkipRetry } from '../../../src/handler.ts';
import type { Pixels } from './_pixels.ts';

/** Largest picture in megapixels: 200 MB of pixels. A larger one is refused before any of them is unpacked. */
export const MAX_MEGAPIXELS = 50;
/** What a JPEG decoder may hold at once, in MB; its coefficients take three times the pixels. */
const MAX_DECODER_MB = 1024;
const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** A decoded picture and how it must be turned, as the camera noted in it (EXIF, 1 to 8; 1 = upright). */
export interface DecodedImage {
  readonly pixels: Pixels;
  readonly orientation: number;
}

/**
 * Decodes by content; the file's name says nothing. Throws `SkipRetry` when the bytes are neither JPEG nor PNG,
 * damaged, or too large: another attempt would end the same way.
 */
export function decodeImage(bytes: Buffer, name: string): DecodedImage {
  if (bytes.length === 0) throw new SkipRetry(`${name} is empty`);
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return attempt('JPEG', name, () => decodeJpeg(bytes));
  if (bytes.subarray(0, 8).equals(PNG_SIGNATURE)) {
    return attempt('PNG', name, () => decodePng(bytes));
  }
  throw new SkipRetry(`${name} is neither a JPEG nor a PNG image`);
}

function decodeJpeg(bytes: Buffer): DecodedImage {
  const image = jpeg.decode(bytes, {
    useTArray: true,
    maxResolutionInMP: MAX_MEGAPIXELS,
    maxMemoryUsageInMB: MAX_DECODER_MB,
  });
  const exif = 'exifBuffer' in image ? image.exifBuffer : undefined;
  return { pixels: image, orientation: exif instanceof Uint8Array ? readOrientation(exif) : 1 };
}

function decodePng(bytes: Buffer): DecodedImage {
  // The header comes first and at a fixed place: refuse a huge picture before unpacking a small file into it.
  if (bytes.length < 33) throw new Error('the header is cut off');
  const megapixels = (bytes.readUInt32BE(16) * bytes.readUInt32BE(20)) / 1e6;
  if (megapixels > MAX_MEGAPIXELS) {
    throw new Error(`${Math.round(megapixels)} megapixels, over the limit of ${MAX_MEGAPIXELS}`);
  }
  const { width, height, data } = PNG.sync.read(bytes);
  return { pixels: { width, height, data }, orientation: 1 };
}

function attempt(kind: string, name: string, decode: () => DecodedImage): DecodedImage {
  try {
    return decode();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SkipRetry(`${name} cannot be decoded as ${kind}: ${reason}`, { cause: error });
  }
}

/** Tag 0x0112 of the first directory of the TIFF structure in an EXIF block; 1 when there is none. */
function readOrientation(exif: Uint8Array): number {
  const start = exif[0] === 0 ? 1 : 0; // the decoder leaves the second zero of "Exif\0\0" in front
  const view = new DataView(exif.buffer, exif.byteOffset + start, exif.length - start);
  try {
    const little = view.getUint16(0) === 0x4949;
    const directory = view.getUint32(4, little);
    const count = view.getUint16(directory, little);
    for (let index = 0; index < count; index += 1) {
      const entry = directory + 2 + index * 12;
      if (view.getUint16(entry, little) === 0x0112) {
        const value = view.getUint16(entry + 8, little);
        return value >= 1 && value <= 8 ? value : 1;
      }
    }
  } catch {
    // A RangeError: the block is cut off. The picture itself is fine, so take it as upright.
  }
  return 1;
}
