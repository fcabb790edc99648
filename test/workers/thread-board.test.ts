import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MainBoard } from '../../src/threads/main-board.ts';
import { MAX_AHEAD } from '../../src/threads/messages.ts';
import { ThreadBoard } from '../../workers/thread-board.ts';

function boards(tasksPerThread = 1): { main: MainBoard; thread: ThreadBoard } {
  const thread = new ThreadBoard(tasksPerThread);
  return { thread, main: new MainBoard(thread.memory) };
}

/** Takes all places but one of a thread that runs one task: else a run that comes again gets another place. */
function leaveOne(main: MainBoard): void {
  for (let run = 1_000; run < 1_000 + MAX_AHEAD; run += 1) main.offer(run);
}

test('a place counts the signs of life of its present run only', () => {
  const { main, thread } = boards();
  const [first, second] = [main.offer(7), main.offer(8)];
  thread.beat(first);
  thread.beat(second);
  thread.beat(second);
  assert.deepEqual([main.beats(first), main.beats(second)], [1, 2]);
  main.free(second);
  assert.equal(main.offer(9), second);
  assert.deepEqual([main.beats(first), main.beats(second)], [1, 0]);
});

test('a place forgets the stop of its former run, as run numbers begin again one day', () => {
  const { main, thread } = boards();
  leaveOne(main);
  const place = main.offer(7);
  main.stop(place, 7);
  assert.equal(Atomics.load(thread.cells, thread.stopCell(place)), 7);
  main.free(place);
  assert.equal(main.offer(7), place);
  assert.equal(Atomics.load(thread.cells, thread.stopCell(place)), 0);
});

test('a run that was taken back and comes again to its place is noted where it is now', () => {
  const { main, thread } = boards();
  leaveOne(main);
  const place = main.offer(7, 3);
  assert.equal(thread.journalSlot(place), 3);
  assert.equal(main.withdraw(place, 7), true);
  main.free(place);
  assert.equal(main.offer(7, 0), place);
  // The message that came with the first offer fits the second one as well.
  assert.equal(thread.begin(place, 7), true);
  assert.equal(thread.journalSlot(place), 0);
  main.free(place);
  assert.equal(main.offer(8), place);
  assert.equal(thread.journalSlot(place), undefined);
});

test('a thread has places for the runs it is on and those it is given ahead, and no more', () => {
  const { main } = boards(2);
  for (let run = 1; run <= MAX_AHEAD + 2; run += 1) main.offer(run);
  assert.throws(() => main.offer(1_000), /more runs than it has places/);
});

test('either the thread begins a run or main takes it back', () => {
  const { main, thread } = boards();
  const [begun, withdrawn] = [main.offer(7), main.offer(8)];
  assert.equal(main.isOffered(begun, 7), true);
  assert.equal(thread.begin(begun, 7), true);
  assert.equal(main.isOffered(begun, 7), false);
  assert.equal(main.isDone(begun), false);
  assert.equal(main.withdraw(begun, 7), false);
  assert.equal(main.withdraw(withdrawn, 8), true);
  assert.equal(thread.begin(withdrawn, 8), false);
});

test('a place that another run has got meanwhile is not begun for the run of before', () => {
  const { main, thread } = boards();
  const place = main.offer(7);
  main.withdraw(place, 7);
  main.free(place);
  assert.equal(main.offer(8), place);
  assert.equal(thread.begin(place, 7), false);
  assert.equal(main.isOffered(place, 8), true);
});

test('a plain success says how long it took and when it began, also across the end of a cycle', () => {
  const { main, thread } = boards();
  const place = main.offer(7);
  const before = Date.now();
  thread.begin(place, 7);
  const beganAt = main.beganAt(place, Date.now() + 10_000);
  assert.ok(beganAt >= before && beganAt <= Date.now(), `${beganAt}`);
  assert.equal(thread.succeed(place, 1.25), true);
  assert.equal(main.isDone(place), true);
  assert.equal(main.ranFor(place), 1.25);
  const cycle = 2 ** 31;
  const cells = new Int32Array(thread.memory);
  cells[place * 5 + 3] = cycle - 1;
  assert.equal(main.beganAt(place, 5 * cycle + 4), 5 * cycle - 1);
  cells[place * 5 + 3] = 9;
  assert.equal(main.beganAt(place, 5 * cycle + 4), 5 * cycle + 9, 'the clock was set back');
});

test('a success that took too long for its cell is said by a message', () => {
  const { main, thread } = boards();
  const place = main.offer(7);
  thread.begin(place, 7);
  assert.equal(thread.succeed(place, 3_000_000), false);
  assert.equal(main.isDone(place), false);
});

test('a thread says while it starts a process, and starts none when it is being ended', () => {
  const { main, thread } = boards();
  assert.equal(
    thread.startProcess(() => main.isStartingProcess()),
    true,
  );
  assert.equal(main.isStartingProcess(), false);
  main.forbidProcesses();
  assert.throws(() => thread.startProcess(() => assert.fail('started')), /is being ended/);
  assert.equal(main.isStartingProcess(), false);
});

test('a run that was taken back gets another place as long as there is one', () => {
  const { main, thread } = boards();
  const place = main.offer(7);
  assert.equal(main.withdraw(place, 7), true);
  main.free(place);
  const other = main.offer(7);
  assert.notEqual(other, place);
  assert.equal(thread.begin(place, 7), false); // by the message that came with the first offer
  assert.equal(thread.begin(other, 7), true);
  assert.equal(main.offer(8), place);
});
