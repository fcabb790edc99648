/**
 * Scales a picture down by area average: each new pixel is the mean of exactly the area it covers, parts of pixels by
 * their share. The mean is taken of light, not of sRGB numbers (those would darken fine bright detail), and on white
 * where the picture is transparent, since a JPEG has no alpha.
 */
import type { Pixels } from './_pixels.ts';

/** Light (0 to 1) of each of the 256 sRGB values. */
const LIGHT = Float64Array.from({ length: 256 }, (_, value) => {
  const part = value / 255;
  return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
});
/** The way back, in steps finer than any two neighbouring sRGB values. */
const STEPS = 8192;
const SRGB = Uint8Array.from({ length: STEPS + 1 }, (_, step) => {
  const light = step / STEPS;
  const part = light <= 0.0031308 ? light * 12.92 : 1.055 * light ** (1 / 2.4) - 0.055;
  return Math.round(part * 255);
});

/** For one axis: which old places each new place covers, and how much of each. */
interface Coverage {
  readonly first: Int32Array;
  readonly last: Int32Array;
  readonly scale: number;
}

/** Called before each new row with the number of rows done; throw in it to stop. */
export type OnRow = (done: number, total: number) => void;

/** A picture of `width` x `height`, neither larger than the source's. Opaque. */
export function scaleDown(source: Pixels, width: number, height: number, onRow: OnRow): Pixels {
  const columns = coverage(source.width, width);
  const rows = coverage(source.height, height);
  const data = new Uint8Array(width * height * 4);
  const sums = new Float64Array(width * 3);
  for (let y = 0; y < height; y += 1) {
    onRow(y, height);
    sums.fill(0);
    const last = rows.last[y] ?? 0;
    for (let from = rows.first[y] ?? 0; from <= last; from += 1) {
      addRow(source, from, share(from, y, rows.scale), columns, sums);
    }
    writeRow(sums, 1 / (columns.scale * rows.scale), data, y * width * 4);
  }
  return { width, height, data };
}

function coverage(from: number, to: number): Coverage {
  const scale = from / to;
  const first = new Int32Array(to);
  const last = new Int32Array(to);
  for (let place = 0; place < to; place += 1) {
    first[place] = Math.floor(place * scale);
    last[place] = Math.min(from - 1, Math.ceil((place + 1) * scale - 1e-9) - 1);
  }
  return { first, last, scale };
}

/** How much of the old place `from` lies within the new place `to`: 0 to 1. */
function share(from: number, to: number, scale: number): number {
  return Math.min(from + 1, (to + 1) * scale) - Math.max(from, to * scale);
}

function addRow(
  source: Pixels,
  row: number,
  weight: number,
  columns: Coverage,
  sums: Float64Array,
): void {
  const { data, width } = source;
  const { first, last, scale } = columns;
  for (let x = 0; x < first.length; x += 1) {
    const end = last[x] ?? 0;
    let red = 0;
    let green = 0;
    let blue = 0;
    for (let from = first[x] ?? 0; from <= end; from += 1) {
      const at = (row * width + from) * 4;
      const part = weight * share(from, x, scale);
      const alpha = (data[at + 3] ?? 255) / 255;
      const white = 1 - alpha;
      red += part * ((LIGHT[data[at] ?? 0] ?? 0) * alpha + white);
      green += part * ((LIGHT[data[at + 1] ?? 0] ?? 0) * alpha + white);
      blue += part * ((LIGHT[data[at + 2] ?? 0] ?? 0) * alpha + white);
    }
    sums[x * 3] = (sums[x * 3] ?? 0) + red;
    sums[x * 3 + 1] = (sums[x * 3 + 1] ?? 0) + green;
    sums[x * 3 + 2] = (sums[x * 3 + 2] ?? 0) + blue;
  }
}

function writeRow(sums: Float64Array, factor: number, data: Uint8Array, at: number): void {
  for (let from = 0, to = at; from < sums.length; from += 3, to += 4) {
    for (let channel = 0; channel < 3; channel += 1) {
      const light = Math.min(1, (sums[from + channel] ?? 0) * factor);
      data[to + channel] = SRGB[Math.round(light * STEPS)] ?? 0;
    }
    data[to + 3] = 255;
  }
}
