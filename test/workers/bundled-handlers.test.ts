import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import jpeg from 'jpeg-js';
import { bundledHandlers } from '../../src/config.ts';
import { scanHandlers } from '../../src/threads/scan-handlers.ts';
import { createRegistry } from '../../src/threads/registry.ts';
import type { TaskOutcome } from '../../src/threads/messages.ts';
import { packageRoot } from '../helpers/paths.ts';
import { startThread } from '../helpers/worker-harness.ts';

const samples = join(packageRoot, 'demo', 'samples');
const folder = mkdtempSync(join(tmpdir(), 'threadmill-bundled-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const handlers = bundledHandlers();
const image = join(handlers, 'image', 'thumbnail.js');
const file = join(handlers, 'file', 'digest.js');
const text = join(handlers, 'text', 'words.js');
const thread = await startThread();

function resultOf(outcome: TaskOutcome): Record<string, unknown> {
  assert.equal(outcome.kind, 'returned', JSON.stringify(outcome));
  const bytes = outcome.kind === 'returned' ? outcome.result : undefined;
  return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
}

function refusalOf(outcome: TaskOutcome): string {
  assert.equal(outcome.kind, 'threw', JSON.stringify(outcome));
  return outcome.kind === 'threw' ? `${outcome.verdict}: ${outcome.error.message}` : '';
}

/** Mean of red, green and blue over the whole picture. */
function meanColour(pixels: { readonly data: Uint8Array }): number[] {
  const sums = [0, 0, 0];
  for (let at = 0; at < pixels.data.length; at += 4) {
    for (const channel of [0, 1, 2])
      sums[channel] = (sums[channel] ?? 0) + (pixels.data[at + channel] ?? 0);
  }
  return sums.map((sum) => sum / (pixels.data.length / 4));
}

test('the bundled folder offers its three types', async () => {
  const registry = createRegistry(await scanHandlers([handlers]));
  assert.deepEqual([...registry.patterns].sort(), ['file:digest', 'image:thumbnail', 'text:words']);
});

for (const [name, width, height] of [
  ['astronaut.png', 160, 160],
  ['rocket.jpg', 160, 107],
] as const) {
  test(`a real photograph becomes a thumbnail of the same picture: ${name}`, async () => {
    const input = join(samples, 'photos', name);
    const output = join(folder, `${name}.jpg`);
    const payload = { input, output, width: 160 };
    const result = resultOf(await thread.run(image, { payload }));
    assert.deepEqual([result['width'], result['height']], [width, height]);
    const small = jpeg.decode(readFileSync(output), { useTArray: true });
    assert.deepEqual([small.width, small.height], [width, height]);
    assert.equal(result['bytes'], readFileSync(output).length);
    if (name.endsWith('.jpg')) {
      const large = meanColour(jpeg.decode(readFileSync(input), { useTArray: true }));
      // Averaging light instead of sRGB numbers brightens fine detail a little.
      meanColour(small).forEach((mean, channel) => {
        assert.ok(Math.abs(mean - (large[channel] ?? 0)) < 12, `channel ${channel}`);
      });
    }
  });
}

test('a picture that is smaller already keeps its size', async () => {
  const payload = {
    input: join(samples, 'photos', 'camera.png'),
    output: join(folder, 'c.jpg'),
    width: 8_000,
  };
  assert.equal(resultOf(await thread.run(image, { payload }))['width'], 512);
});

test('a file that is no picture, cut off, or a folder is given up at once, and leaves nothing behind', async () => {
  const cut = join(folder, 'cut.png');
  writeFileSync(cut, readFileSync(join(samples, 'photos', 'camera.png')).subarray(0, 9_000));
  const output = join(folder, 'never.jpg');
  for (const [input, reason] of [
    [join(samples, 'SOURCES.md'), /^skip_retry: .*neither a JPEG nor a PNG/],
    [cut, /^skip_retry: .*cannot be decoded as PNG/],
    [samples, /^skip_retry: .*not a regular file/],
  ] as const) {
    assert.match(
      refusalOf(await thread.run(image, { payload: { input, output, width: 10 } })),
      reason,
    );
  }
  assert.ok(!readdirSync(folder).some((name) => name.startsWith('never')));
});

test('a digest is the SHA-256 of the file, and the compressed copy unpacks to it', async () => {
  const input = join(samples, 'texts', 'newton-opticks.txt');
  const original = readFileSync(input);
  for (const [format, unpack] of [
    ['gzip', gunzipSync],
    ['brotli', brotliDecompressSync],
  ] as const) {
    const short = join(folder, 'short.txt');
    copyFileSync(
      format === 'gzip' ? input : join(samples, 'texts', 'gettysburg-address.txt'),
      short,
    );
    const content = format === 'gzip' ? original : readFileSync(short);
    const output = join(folder, `text.${format}`);
    const result = resultOf(await thread.run(file, { payload: { input: short, output, format } }));
    assert.equal(result['sha256'], createHash('sha256').update(content).digest('hex'));
    assert.deepEqual(
      [result['bytes'], result['compressedBytes']],
      [content.length, readFileSync(output).length],
    );
    assert.ok(unpack(readFileSync(output)).equals(content));
  }
});

test('words and phrases are counted, the most frequent first', async () => {
  const input = join(folder, 'rhyme.txt');
  writeFileSync(input, "The cat's hat. THE CAT'S hat; the dog — naïve dog, 42!");
  const output = join(folder, 'words.json');
  const result = resultOf(await thread.run(text, { payload: { input, output } }));
  assert.deepEqual(result, { words: 10, distinct: 5 });
  const report = JSON.parse(readFileSync(output, 'utf8')) as { top: unknown[] };
  assert.deepEqual(report.top.slice(0, 3), [
    { text: 'the', count: 3 },
    { text: "cat's", count: 2 },
    { text: 'dog', count: 2 },
  ]);
  const pairs = resultOf(await thread.run(text, { payload: { input, output, phrase: 2 } }));
  assert.deepEqual(pairs, { words: 10, distinct: 6 });
});

test('a payload that names no absolute paths is refused by the schema', async () => {
  for (const handler of [image, file, text]) {
    const outcome = await thread.run(handler, { payload: { input: 'relative', output: 7 } });
    assert.match(
      refusalOf(outcome),
      /^invalid_payload: .*input: expected an absolute path; output/,
    );
  }
});
