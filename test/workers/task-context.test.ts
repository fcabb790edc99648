import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EnqueueCalls } from '../../workers/enqueue-calls.ts';
import { Outbox } from '../../workers/outbox.ts';
import { RunContext } from '../../workers/task-context.ts';
import { ThreadRun } from '../../workers/thread-run.ts';

const beats: number[] = [];
const tools = {
  outbox: new Outbox(() => undefined, 'silent'),
  calls: new EnqueueCalls(() => undefined),
  maxResultSize: 10,
  beat: (place: number) => void beats.push(place),
};

function makeContext(run: number): RunContext {
  const envelope = {
    run,
    place: run,
    handler: { url: 'file:///a.js', pattern: 'a' },
    id: `task-${run}`,
    type: 'a',
    queue: 'q',
    payload: new Uint8Array(),
    headers: {},
    retried: 0,
    maxRetry: 0,
    keepsResult: true,
  };
  const board = {
    cells: new Int32Array(new SharedArrayBuffer(64)),
    stopCell: () => 0,
    journalSlot: () => undefined,
    drain: () => undefined,
    inContext: (_run: ThreadRun, act: () => void) => act(),
  };
  return new RunContext(new ThreadRun(envelope, 0, board), tools);
}

test('nothing of a run has accessors of its own, which V8 keeps until the next full collection', () => {
  const context = makeContext(1);
  for (const part of [context, context.ctx, context.run, context.run.task, context.run.output]) {
    for (const [name, { get }] of Object.entries(Object.getOwnPropertyDescriptors(part))) {
      assert.equal(get, undefined, name);
    }
  }
});

test('what is taken off a context works, and so does what is made of one', () => {
  const context = makeContext(3);
  const { heartbeat, progress, setResult, throwIfCanceled, canceled, signal, log } = context.ctx;
  heartbeat();
  progress(1);
  setResult('done');
  throwIfCanceled();
  log.info('said');
  assert.deepEqual(beats, [3, 3]);
  assert.equal(canceled, false);
  assert.equal(new TextDecoder().decode(context.result), 'done');
  const derived = Object.create(context.ctx) as typeof context.ctx;
  assert.equal(derived.signal, signal);
  assert.equal(derived.log, log);
  context.run.stop.stop('canceled');
  assert.equal(derived.canceled, true);
  assert.throws(throwIfCanceled, { code: 'ERR_TASK_CANCELED' });
});
