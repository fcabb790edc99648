import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { inputLines } from '../../src/cli/actions/input-lines.ts';

async function read(
  chunks: string[],
  max = 100,
): Promise<(readonly [number, string | undefined])[][]> {
  const batches: (readonly [number, string | undefined])[][] = [];
  const input = Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
  for await (const batch of inputLines(input, max)) {
    batches.push(batch.map(({ number, bytes }) => [number, bytes?.toString()] as const));
  }
  return batches;
}

test('lines come as they were read, also where a read ends within one', async () => {
  assert.deepEqual(await read(['a\nb', 'c', '\n\nd']), [
    [[1, 'a']],
    [
      [2, 'bc'],
      [3, ''],
    ],
    [[4, 'd']],
  ]);
  assert.deepEqual(await read([]), []);
});

test('no more than 500 lines come at once', async () => {
  const batches = await read(['\n'.repeat(1200)]);
  assert.deepEqual(
    batches.map(({ length }) => length),
    [500, 500, 200],
  );
});

test('a line over the limit is counted but not kept', async () => {
  assert.deepEqual(await read(['12345', '6789', '\n12345\n'], 5), [
    [
      [1, undefined],
      [2, '12345'],
    ],
  ]);
  assert.deepEqual(await read(['123456'], 5), [[[1, undefined]]]);
});
