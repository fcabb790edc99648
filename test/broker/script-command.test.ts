/** Calls of scripts as bytes, read back by Redis itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ScriptArgument } from '../../src/broker/script.ts';
import { encodeCall, encodeHead, ScriptCommand } from '../../src/broker/script-command.ts';
import { useRedis } from '../helpers/redis.ts';

const redis = await useRedis();
const ECHO =
  'local all = {}; for _, k in ipairs(KEYS) do all[#all + 1] = k end; for _, a in ipairs(ARGV) do all[#all + 1] = a end; return all';

async function echo(
  keys: string[],
  first: ScriptArgument[],
  rest: ScriptArgument[],
): Promise<unknown> {
  const call = encodeCall(encodeHead('eval', ECHO, keys, first), rest);
  return await redis.client.sendCommand(new ScriptCommand('eval', call));
}

function asBytes(piece: ScriptArgument): Buffer {
  return typeof piece === 'object' ? Buffer.from(piece) : Buffer.from(String(piece));
}

const ASTRAL = '\u{1F9F5}';

const CASES: Readonly<Record<string, ScriptArgument[]>> = {
  'no arguments': [],
  'empty ones': ['', new Uint8Array(0), '', ''],
  numbers: [0, -1, 9, 10, 99, 100, 1.5, 2 ** 53, -(2 ** 53), 1e21, 5e-324, -1.7976931348623157e308],
  'short and long texts': [63, 64, 65, 999, 1000].map((length) => 'x'.repeat(length)),
  'texts that are not ASCII at their very end': [62, 63, 64].map(
    (length) => `${'x'.repeat(length)}é`,
  ),
  'texts of characters of two, three and four bytes': [
    'é'.repeat(64),
    '字'.repeat(64),
    ASTRAL.repeat(32),
    ASTRAL.repeat(500),
  ],
  'bytes of all kinds': [
    Uint8Array.from({ length: 256 }, (_, index) => index),
    Buffer.from('\r\n$1\r\n'),
  ],
  'more than fits where small calls are put together': [
    'a',
    Buffer.alloc(16_384, 7),
    'é'.repeat(9_000),
    'b',
  ],
  many: Array.from({ length: 2_000 }, (_, index) =>
    index % 2 === 0 ? `id-${index}` : Buffer.from([index % 256]),
  ),
};

for (const [what, args] of Object.entries(CASES)) {
  test(`${what} reach a script as they are, behind what was encoded before as well`, async () => {
    const wanted = args.map(asBytes);
    const keys = ['k', 'schlüssel'];
    const names = keys.map(asBytes);
    assert.deepEqual(await echo(keys, [], args), [...names, ...wanted]);
    assert.deepEqual(await echo(keys, args, args), [...names, ...wanted, ...wanted]);
    assert.deepEqual(await echo([], args, []), wanted);
  });
}

test('a call keeps its bytes when others are encoded before it is sent', async () => {
  const head = encodeHead('eval', ECHO, [], ['shared']);
  const commands = ['one', 'another', 'x'.repeat(40)].map(
    (text) => new ScriptCommand('eval', encodeCall(head, [text])),
  );
  const replies = await Promise.all(commands.map((command) => redis.client.sendCommand(command)));
  assert.deepEqual(replies.flat().map(String), [
    'shared',
    'one',
    'shared',
    'another',
    'shared',
    'x'.repeat(40),
  ]);
});
