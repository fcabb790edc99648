import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ThreadBoard } from '../../workers/thread-board.ts';

test('a slot counts the signs of life of its present run only', () => {
  const board = new ThreadBoard(2);
  const [first, second] = [board.claim(7), board.claim(8)];
  board.beat(first);
  board.beat(second);
  board.beat(second);
  assert.deepEqual([...board.cells], [7, 0, 1, 8, 0, 2, 0, 0]);
  board.free(second);
  assert.equal(board.claim(9), second);
  assert.deepEqual([...board.cells], [7, 0, 1, 9, 0, 0, 0, 0]);
});

test('a slot forgets the stop of its former run, as run numbers begin again one day', () => {
  const board = new ThreadBoard(1);
  const slot = board.claim(7);
  Atomics.store(board.cells, board.stopCell(slot), 7);
  board.free(slot);
  assert.equal(board.claim(7), slot);
  assert.equal(Atomics.load(board.cells, board.stopCell(slot)), 0);
  assert.throws(() => board.claim(8), /no free slot/);
});

test('a thread says while it starts a process, and starts none when it is being ended', () => {
  const board = new ThreadBoard(1);
  const [ending, starting] = [board.cells.length - 2, board.cells.length - 1];
  assert.equal(
    board.startProcess(() => Atomics.load(board.cells, starting)),
    1,
  );
  assert.equal(Atomics.load(board.cells, starting), 0);
  Atomics.store(board.cells, ending, 1);
  assert.throws(() => board.startProcess(() => assert.fail('started')), /is being ended/);
  assert.equal(Atomics.load(board.cells, starting), 0);
});
