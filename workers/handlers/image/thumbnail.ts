/** `image:thumbnail`: decodes a JPEG or PNG, scales it down and writes a JPEG. */
import jpeg from 'jpeg-js';
import { defineHandler } from '../../../src/handler.ts';
import type { HandlerDefinition, Task, TaskContext } from '../../../src/handler.ts';
import { readWhole, writeOutput } from '../_files.ts';
import { absolutePath, payloadSchema, wholeNumber } from '../_payload.ts';
import { decodeImage } from './_decode.ts';
import { orient, swapsSides } from './_orient.ts';
import { scaleDown } from './_scale.ts';

/** Largest input file in bytes: 64 MiB. */
const MAX_INPUT = 67_108_864;
/** JPEG quality, 1 to 100: above this thumbnails grow and look the same. */
const QUALITY = 82;

/** What the producer asks for. Both paths are absolute and local to the runtime. */
export interface ThumbnailPayload {
  readonly input: string;
  readonly output: string;
  /** Width in pixels, 1 to 8192. A smaller picture keeps its own width: nothing is blown up. */
  readonly width: number;
}

/** What was written. */
export interface ThumbnailResult {
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
}

const handler: HandlerDefinition<ThumbnailPayload, ThumbnailResult> = defineHandler<
  ThumbnailPayload,
  ThumbnailResult
>({
  schema: payloadSchema<ThumbnailPayload>({
    input: absolutePath(),
    output: absolutePath(),
    width: wholeNumber(1, 8192),
  }),
  handle: makeThumbnail,
});

export default handler;

function makeThumbnail(task: Task<ThumbnailPayload>, ctx: TaskContext): ThumbnailResult {
  const { input, output, width } = task.json();
  const { pixels, orientation } = decodeImage(readWhole(input, MAX_INPUT), input);
  ctx.throwIfCanceled(); // decoding is the longest step, and cannot look for a stop itself
  const size = fit(pixels, width, swapsSides(orientation));
  const small = scaleDown(pixels, size.width, size.height, (done, total) => {
    ctx.throwIfCanceled();
    ctx.progress({ rows: done, of: total });
  });
  const upright = orient(small, orientation); // after scaling: far fewer pixels to move
  const encoded = jpeg.encode({ ...upright }, QUALITY).data;
  const bytes = writeOutput(output, (write) => write(encoded));
  ctx.log.debug(
    { input, width: upright.width, height: upright.height, bytes },
    'thumbnail written',
  );
  return { width: upright.width, height: upright.height, bytes };
}

/** The size before turning, such that the picture ends up `width` wide. */
function fit(
  source: { readonly width: number; readonly height: number },
  width: number,
  isOnItsSide: boolean,
): { width: number; height: number } {
  const ratio = Math.min(1, width / (isOnItsSide ? source.height : source.width));
  return {
    width: Math.max(1, Math.round(source.width * ratio)),
    height: Math.max(1, Math.round(source.height * ratio)),
  };
}
