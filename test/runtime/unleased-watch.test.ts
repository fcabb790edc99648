import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LostTask } from '../../src/broker/broker.ts';
import { UnleasedWatch } from '../../src/runtime/unleased-watch.ts';

const entry = (id: string, token?: string): LostTask => ({
  id,
  token,
  message: undefined,
  hasBegun: false,
  returns: 0,
});

test('an entry without lease is recovered at the second look, a minute after the first', () => {
  const watch = new UnleasedWatch();
  assert.equal(watch.isDue(0), true);
  assert.deepEqual(watch.look([entry('A')], 0), []);
  assert.equal(watch.isDue(59_999), false);
  assert.equal(watch.isDue(60_000), true);
  assert.deepEqual(watch.look([entry('A'), entry('B')], 60_000), [entry('A')]);
  assert.deepEqual(watch.look([entry('B')], 120_000), [entry('B')]);
});

test('one that had a lease in between, or was leased again, begins anew', () => {
  const watch = new UnleasedWatch();
  watch.look([entry('A'), entry('B', 'us 1 100')], 0);
  assert.deepEqual(watch.look([entry('B', 'us 2 200')], 60_000), []);
  assert.deepEqual(watch.look([entry('A')], 120_000), []);
});
