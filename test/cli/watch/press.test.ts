import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  chosenIndex,
  rowKeys,
  type WatchModel,
  withAction,
  withSnapshot,
} from '../../../src/cli/watch/model.ts';
import { press } from '../../../src/cli/watch/press.ts';
import { RateMeter } from '../../../src/cli/watch/rates.ts';
import { model, queue, snapshot, worker } from './models.ts';

/** The model after these keys. */
const after = (keys: readonly string[], start: WatchModel = model()): WatchModel =>
  keys.reduce((shown, key) => press(shown, key).model, start);

test('p pauses the chosen queue, and resumes one that is paused', () => {
  assert.deepEqual(press(model(), 'p').action, { kind: 'pause', queue: 'critical' });
  assert.deepEqual(press(after(['down']), 'p').action, { kind: 'resume', queue: 'low' });
});

test('p pressed again undoes what it did, also before the next look shows that', () => {
  const first = press(model(), 'p');
  assert.ok(first.action);
  const paused = withAction(first.model, first.action);
  const second = press(paused, 'p');
  assert.deepEqual(second.action, { kind: 'resume', queue: 'critical' });
  assert.deepEqual(press(withAction(paused, second.action), 'p').action, first.action);
});

test('c asks, and cancels the chosen running task on y alone', () => {
  const asked = press(after(['tab', 'down']), 'c');
  assert.equal(asked.action, undefined);
  const cancel = { kind: 'cancel', queue: 'critical', taskId: 'w2', type: 'image:resize' };
  assert.deepEqual(asked.model.question, cancel);
  const yes = press(asked.model, 'y');
  assert.deepEqual([yes.action, yes.model.question], [cancel, undefined]);
  for (const key of ['n', 'q', 'return', 'escape', 'c']) {
    const no = press(asked.model, key);
    assert.deepEqual([no.action, no.isOver, no.model.question], [undefined, undefined, undefined]);
    assert.equal(no.model.notice?.text, 'not canceled');
  }
});

test('the question is about the task that was chosen when it was asked', () => {
  const asked = press(after(['tab']), 'c').model;
  const later = withSnapshot(asked, snapshot({ workers: [worker('w9')] }));
  const { action } = press(later, 'y');
  assert.equal(action !== undefined && 'taskId' in action && action.taskId, 'w1');
});

test('r retries the chosen failed task at once', () => {
  const { action } = press(after(['tab', 'tab', 'down']), 'r');
  assert.deepEqual(action, { kind: 'run', queue: 'low', taskId: 'f2', type: 'mail:send' });
});

test('c and r say what to do where nothing fits', () => {
  assert.match(press(model(), 'c').model.notice?.text ?? '', /running task/);
  assert.match(press(model(), 'r').model.notice?.text ?? '', /failed task/);
  const empty = model({ queues: [], workers: [], failures: [] });
  assert.match(press(empty, 'p').model.notice?.text ?? '', /queue/);
});

test('q, ctrl-c and ctrl-d end the view; ctrl-c also while a question waits', () => {
  for (const key of ['q', 'ctrl+c', 'ctrl+d']) assert.equal(press(model(), key).isOver, true);
  assert.equal(press(after(['tab', 'c']), 'ctrl+c').isOver, true);
});

test('any key leaves the help, and does nothing else', () => {
  const shown = after(['?']);
  assert.equal(shown.isHelpShown, true);
  const { model: back, isOver } = press(shown, 'q');
  assert.deepEqual([back.isHelpShown, isOver], [false, undefined]);
});

test('arrows stay within the list, and tab goes round', () => {
  const at = (keys: readonly string[]): number => chosenIndex(after(keys), 'queues');
  assert.deepEqual(
    [at(['up']), at(['down']), at(['down', 'down']), at(['end']), at(['end', 'home'])],
    [0, 1, 1, 1, 0],
  );
  assert.equal(after(['tab', 'tab', 'tab']).panel, 'queues');
  assert.equal(after(['shift+tab']).panel, 'failures');
});

test('what is chosen stays chosen where the list moves, and its neighbour takes its place when it is gone', () => {
  const chosen = after(['down']);
  const moved = withSnapshot(
    chosen,
    snapshot({ queues: [queue('a'), queue('critical'), queue('low')] }),
  );
  assert.equal(rowKeys(moved, 'queues')[chosenIndex(moved, 'queues')], 'low');
  const gone = withSnapshot(moved, snapshot({ queues: [queue('a'), queue('critical')] }));
  assert.equal(rowKeys(gone, 'queues')[chosenIndex(gone, 'queues')], 'critical');
});

test('rates are those of the last ten seconds, and begin anew when counters go back', () => {
  const meter = new RateMeter();
  assert.deepEqual(meter.read({ processed: 100, failed: 10 }, 0), {
    processed: undefined,
    failed: undefined,
  });
  assert.deepEqual(meter.read({ processed: 120, failed: 12 }, 2_000), { processed: 10, failed: 1 });
  meter.read({ processed: 120, failed: 12 }, 11_000);
  assert.deepEqual(meter.read({ processed: 120, failed: 12 }, 12_000), { processed: 0, failed: 0 });
  assert.equal(meter.read({ processed: 3, failed: 0 }, 13_000).processed, undefined);
});
