import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nowMs, sendFirstLine, watchFirstLines } from '../../bench/work/first-line.ts';

test('the watch hears the instant at which a handler began', async () => {
  const watch = watchFirstLines();
  try {
    const heard = watch.next(5_000);
    const began = nowMs();
    sendFirstLine(began);
    assert.equal(await heard, began);
  } finally {
    watch.close();
  }
});

test('a handler that never begins is an error, not a wait for ever', async () => {
  const watch = watchFirstLines();
  try {
    await assert.rejects(watch.next(20), /no handler began within 20 ms/);
  } finally {
    watch.close();
  }
});
