import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../helpers/paths.ts';
import { edited, SABOTAGES } from './sabotage.ts';

for (const [name, way] of Object.entries(SABOTAGES)) {
  test(`what the sabotage ${name} replaces is there, once`, () => {
    assert.ok(way.edits.length > 0);
    for (const edit of way.edits) {
      const file = edit.file ?? way.file;
      const source = readFileSync(join(packageRoot, 'dist', file), 'utf8');
      assert.notEqual(edited(source, edit, file), source);
    }
  });
}

test('a text that is not there, or there twice, is an error and no sabotage', () => {
  const edit = { text: 'a b', replacement: 'c' };
  assert.equal(edited('x a b y', edit, 'f'), 'x c y');
  assert.throws(() => edited('x', edit, 'f'), /f has "a b" 0 times, not once/);
  assert.throws(() => edited('a b a b', edit, 'f'), /f has "a b" 2 times, not once/);
});
