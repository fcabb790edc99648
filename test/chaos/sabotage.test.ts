import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../helpers/paths.ts';
import { SABOTAGES, sabotaged } from './sabotage.ts';

for (const [name, way] of Object.entries(SABOTAGES)) {
  test(`what the sabotage ${name} replaces is there, once`, () => {
    const source = readFileSync(join(packageRoot, 'dist', way.file), 'utf8');
    assert.notEqual(sabotaged(source, { name, ...way }), source);
  });
}

test('a text that is not there, or there twice, is an error and no sabotage', () => {
  const way = { name: 'n', file: 'f', text: 'a b', replacement: 'c' };
  assert.equal(sabotaged('x a b y', way), 'x c y');
  assert.throws(() => sabotaged('x', way), /has "a b" 0 times, not once/);
  assert.throws(() => sabotaged('a b a b', way), /has "a b" 2 times, not once/);
});
