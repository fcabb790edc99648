import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ActiveTask } from '../../src/runtime/active-tasks.ts';
import { BegunNotes } from '../../src/runtime/begun-notes.ts';

type Noted = Pick<ActiveTask, 'run' | 'phase'> & { ref: { id: string; queue: string } };

function running(run: number, queue = 'q'): ActiveTask & Noted {
  return { run, phase: 'running', ref: { id: `task-${run}`, queue } } as ActiveTask & Noted;
}

test('a run is to be noted once it has lasted for ten milliseconds, until Redis knows of it', () => {
  let now = 0;
  const notes = new BegunNotes(() => now);
  notes.add(running(1));
  now = 9;
  notes.add(running(2));
  assert.deepEqual(notes.dueIn('q'), []);
  now = 10;
  assert.deepEqual(notes.dueIn('q'), [{ id: 'task-1', run: 1 }]);
  assert.deepEqual(notes.dueIn('q'), [{ id: 'task-1', run: 1 }], 'the script may have failed');
  notes.noted([{ run: 1 }]);
  now = 19;
  assert.deepEqual(notes.dueIn('q'), [{ id: 'task-2', run: 2 }]);
});

test('each queue is told of its own, and of none that has ended', () => {
  let now = 0;
  const notes = new BegunNotes(() => now);
  const [mine, theirs, ended] = [running(1), running(2, 'other'), running(3)];
  for (const task of [mine, theirs, ended]) notes.add(task);
  ended.phase = 'settling';
  now = 100;
  assert.deepEqual(notes.dueIn('q'), [{ id: 'task-1', run: 1 }]);
  assert.deepEqual(notes.due(), [mine, theirs]);
  assert.equal(notes.size, 2);
});
