import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ActiveTask } from '../../src/runtime/active-tasks.ts';
import { BegunNotes } from '../../src/runtime/begun-notes.ts';
import { endedAttempt } from '../../src/runtime/ended-attempt.ts';
import { reportOf, RunReport } from '../../src/runtime/run-report.ts';
import { threadLog } from '../../src/runtime/thread-log.ts';
import { decodeRecords } from '../../src/wire/task-records.ts';
import { recordingLogger } from '../helpers/server.ts';

const line = (text: string) => ({ at: new Date(5), level: 'info', text });

test('a report tells only what has changed since Redis took it', () => {
  const report = new RunReport();
  assert.equal(report.unsent(), undefined);
  report.progress({ step: 1 });
  const first = report.unsent();
  assert.deepEqual(first?.change, { progress: '{"step":1}' });
  assert.deepEqual(report.unsent()?.change, first?.change, 'it was not taken yet');
  report.log(line('a'));
  if (first !== undefined) report.sent(first);
  const second = report.unsent();
  assert.deepEqual(second?.change, { log: '[[5,"info","a"]]' });
  report.progress({ step: 1 });
  if (second !== undefined) report.sent(second);
  assert.deepEqual(report.unsent()?.change, { progress: '{"step":1}' }, 'reported meanwhile');
});

test('a report holds the last twenty lines', () => {
  const report = new RunReport();
  for (let count = 1; count <= 1_000; count += 1) report.log(line(`${count}`));
  const { logs } = decodeRecords({ log: report.unsent()?.change.log ?? '' });
  assert.deepEqual([logs.length, logs[0]?.text, logs[19]?.text], [20, '981', '1000']);
});

test('lines go to the report of their run if they are logged, those of no run to none', () => {
  const task = { run: 1, ref: { id: 'A', type: 't', queue: 'q' } } as ActiveTask;
  const { logger, records } = recordingLogger();
  logger.level = 'info';
  const hear = threadLog(logger, { get: (run) => (run === 1 ? task : undefined) });
  hear([{ run: 0, level: 'info', message: 'of none', source: 'console' }], 3);
  hear([{ run: 1, level: 'debug', message: 'too low', source: 'log' }], 3);
  assert.equal(task.report, undefined, 'nothing is kept of a task that says nothing');
  hear([{ run: 1, level: 'warn', message: 'hot', fields: '{"c":99}', source: 'log' }], 3);
  hear([{ run: 1, level: 'info', message: '', fields: '{"d":1}', source: 'log' }], 3);
  const { logs } = decodeRecords({ log: reportOf(task).unsent()?.change.log ?? '' });
  assert.deepEqual(
    logs.map(({ level, text }) => [level, text]),
    [
      ['warn', 'hot {"c":99}'],
      ['info', '{"d":1}'],
    ],
  );
  assert.deepEqual(
    records.map(({ msg, taskId }) => [msg, taskId]),
    [
      ['of none', undefined],
      ['hot', 'A'],
      ['', 'A'],
    ],
  );
});

test('a run is noted with its beginning until Redis knows of it', () => {
  let now = 0;
  const notes = new BegunNotes(() => now, 'h:1:u');
  const ref = { id: 'A', queue: 'q' };
  const task = { run: 1, ref, threadId: 4, phase: 'running' } as ActiveTask;
  notes.add(task);
  now = 25;
  const start = { agoMs: 25, server: 'h:1:u', thread: 4 };
  assert.deepEqual(notes.dueIn('q'), [{ id: 'A', run: 1, start }]);
  assert.deepEqual(notes.noteOf(task), { id: 'A', run: 1, start });
  notes.noted([{ run: 1 }]);
  assert.deepEqual(notes.noteOf(task), { id: 'A', run: 1 });
});

const end = { kind: 'threw', verdict: 'failure', error: new Error('x') } as const;
const facts = { end, server: 'h:1:u', thread: 2, runMs: 5, hasBegun: true };
const error = new Error('boom');

test('only what was attempted of a task that is kept goes into its history', () => {
  const of = (decision: Parameters<typeof endedAttempt>[0]['decision'], hasBegun = true) =>
    endedAttempt({ ...facts, decision, hasBegun })?.outcome;
  const retry = { kind: 'retry', error, delayMs: 0, counts: true, reason: 'failure' } as const;
  assert.deepEqual(
    [
      of({ kind: 'complete' }),
      of({ kind: 'archive', error }),
      of(retry),
      of(retry, false),
      of({ kind: 'requeue', reason: 'shutdown' }),
    ],
    ['ok', 'archived', 'retry', 'retry', 'requeued'],
  );
  assert.deepEqual(
    [
      of({ kind: 'done' }),
      of({ kind: 'revoke', error }),
      of({ kind: 'drop', error }),
      of({ kind: 'requeue', reason: 'thread_died' }, false),
      of({ ...retry, reason: 'put_off' }, false),
    ],
    [undefined, undefined, undefined, undefined, undefined],
  );
});

test('the error of an attempt is what was decided on, or what its thread or process died of', () => {
  const died = { kind: 'died', error, death: { kind: 'bystander', of: 'thread' } } as const;
  const requeue = { kind: 'requeue', reason: 'thread_died' } as const;
  assert.equal(endedAttempt({ ...facts, decision: requeue, end: died })?.error, 'boom');
  assert.equal(endedAttempt({ ...facts, decision: { kind: 'complete' } })?.error, undefined);
  const long = { kind: 'archive', error: new Error('y'.repeat(9_000)) } as const;
  assert.ok((endedAttempt({ ...facts, decision: long })?.error?.length ?? 0) <= 2_000);
});
