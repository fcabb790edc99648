import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ThreadBoard } from '../../workers/thread-board.ts';

test('a slot forgets the stop of its former run, as run numbers begin again one day', () => {
  const board = new ThreadBoard(1);
  const slot = board.claim(7);
  Atomics.store(board.cells, board.stopCell(slot), 7);
  board.free(slot);
  assert.equal(board.claim(7), slot);
  assert.equal(Atomics.load(board.cells, board.stopCell(slot)), 0);
  assert.throws(() => board.claim(8), /no free slot/);
});
