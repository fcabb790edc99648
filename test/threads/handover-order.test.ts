/** Runs that a thread has not begun are taken back from it, and go to it again before it has come to the first message. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ToThread } from '../../src/threads/messages.ts';
import { Handover } from '../../src/threads/handover.ts';
import { MainBoard } from '../../src/threads/main-board.ts';
import { RunList } from '../../src/threads/run-list.ts';
import type { RunRecord, ThreadRecord } from '../../src/threads/thread-record.ts';
import { RunLine } from '../../workers/run-line.ts';
import { ThreadBoard } from '../../workers/thread-board.ts';

/** A handover to one thread, whose own side lies here as well: both boards and its line are the real ones. */
function makeBorder() {
  const board = new ThreadBoard(1);
  const messages: ToThread[] = [];
  const thread = {
    threadId: 1,
    runs: new RunList<RunRecord>(),
    board: new MainBoard(board.memory),
    tell: (message: ToThread) => void messages.push(structuredClone(message)),
    progressedAt: 0,
    isOverdue: false,
  } as unknown as ThreadRecord;
  const handover = new Handover({
    crew: { busy: () => [thread], hungry: () => [thread], isUp: true },
    tasksPerThread: 1,
    tasksPerMessage: undefined,
    journalFd: undefined,
    onUnbegun: () => undefined,
    onUnsent: (_run, error) => assert.fail(error),
    onFault: (_where, error) => assert.fail(error as Error),
  });
  handover.noteRun(thread, 0.01); // short runs: many are given ahead
  const begun: number[] = [];
  const line = new RunLine({
    slots: 1,
    begin: ({ run, place }, onEnd) => {
      if (!board.begin(place, run)) return false;
      begun.push(run);
      onEnd();
      return true;
    },
    isOpen: () => true,
    isMainHere: () => true,
    onNews: () => undefined,
  });
  return {
    thread,
    handover,
    begun,
    /** Hands over these. */
    give(runs: readonly number[]): void {
      for (const run of runs) {
        handover.add({
          run,
          handler: { url: 'file:///a.js', pattern: 'a' },
          id: `task-${run}`,
          type: 'a',
          queue: 'q',
          payload: Uint8Array.of(run),
          headers: {},
          retried: 0,
          maxRetry: 25,
          keepsResult: false,
        });
      }
      handover.handOn();
    },
    /** The thread reads what has been posted. */
    read(): void {
      for (const message of messages.splice(0)) {
        assert.equal(message.kind, 'tasks');
        if (message.kind === 'tasks') line.add(message.batch, true);
      }
    },
    /** The thread comes to what it was given. */
    work: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

const RUNS = [1, 2, 3, 4, 5, 6, 7];

test('what comes back and goes to the same thread again begins in its order, each once', async () => {
  const { thread, handover, begun, give, read, work } = makeBorder();
  give(RUNS);
  assert.deepEqual(handover.takeBack(thread, false), []);
  handover.handOn();
  read();
  await work();
  assert.deepEqual(begun, RUNS);
});

test('a thread that comes to the first message when they are given again begins none by that', async () => {
  const { thread, handover, begun, give, read, work } = makeBorder();
  give(RUNS);
  read();
  assert.deepEqual(handover.takeBack(thread, false), []);
  handover.handOn();
  await work();
  assert.deepEqual(begun, []);
  read();
  await work();
  assert.deepEqual(begun, RUNS);
});

test('the order stays when another run has ended meanwhile, whose place is free', async () => {
  const { thread, handover, begun, give, read, work } = makeBorder();
  give([100]);
  read();
  await work();
  give(RUNS);
  const [ended] = thread.runs;
  assert.ok(ended !== undefined);
  assert.deepEqual(handover.takeBack(thread, false), []);
  handover.release(ended);
  handover.handOn();
  read();
  await work();
  assert.deepEqual(begun, [100, ...RUNS]);
});
