/** Turns a picture upright. */
import type { Pixels } from './_pixels.ts';

/** Whether this EXIF orientation lays the picture on its side, so that width and height change places. */
export function swapsSides(orientation: number): boolean {
  return orientation >= 5 && orientation <= 8;
}

/** The picture turned and mirrored as EXIF orientation 1 to 8 asks; the same object for 1. */
export function orient(source: Pixels, orientation: number): Pixels {
  if (orientation === 1) return source;
  const { width, height } = source;
  const swap = swapsSides(orientation);
  const target = new Uint32Array(width * height);
  const pixels = new Uint32Array(source.data.slice().buffer); // a copy is aligned; one number is one pixel
  const newWidth = swap ? height : width;
  const isMirroredX = [2, 3, 7, 8].includes(orientation);
  const isMirroredY = [3, 4, 6, 7].includes(orientation);
  for (let y = 0; y < (swap ? width : height); y += 1) {
    for (let x = 0; x < newWidth; x += 1) {
      const [u, v] = swap ? [y, x] : [x, y];
      const fromX = isMirroredX ? width - 1 - u : u;
      const fromY = isMirroredY ? height - 1 - v : v;
      target[y * newWidth + x] = pixels[fromY * width + fromX] ?? 0;
    }
  }
  return {
    width: newWidth,
    height: swap ? width : height,
    data: new Uint8Array(target.buffer),
  };
}
