import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServerEmitter } from '../../src/runtime/emitter.ts';
import { logEvents } from '../../src/runtime/log-events.ts';
import { recordingLogger } from '../helpers/server.ts';
import { readFact } from './log-facts.ts';

const TASK = { id: 't1', type: 'a', queue: 'q', retried: 0, maxRetry: 1 };

test('what servers log of tasks and of Redis is understood', () => {
  const { logger, records } = recordingLogger();
  const emitter = new ServerEmitter();
  logEvents(emitter, logger);
  const error = new Error('no');
  emitter.emit('started', { task: TASK, threadId: 1, waitMs: 0 });
  emitter.emit('stopping', { task: TASK, reason: 'lease_lost' });
  emitter.emit('requeued', { task: TASK, reason: 'shutdown' });
  emitter.emit('retried', { task: TASK, error, delayMs: 1, counts: true, reason: 'failure' });
  emitter.emit('archived', { task: TASK, error });
  emitter.emit('succeeded', { task: TASK, runMs: 1, isKept: false });
  emitter.emit('lost', { task: TASK });
  emitter.emit('redis', { isUp: false });
  emitter.emit('redis', { isUp: true });
  const facts = records.map((record) => readFact(JSON.stringify(record)));
  const whats = facts.map((fact) =>
    typeof fact === 'object' && 'what' in fact ? fact.what : fact,
  );
  assert.deepEqual(whats, [
    'began',
    'stopping',
    'requeued',
    'retried',
    'archived',
    'succeeded',
    'lost',
    { k: 'redis', pid: process.pid, isUp: false },
    { k: 'redis', pid: process.pid, isUp: true },
  ]);
});

test('other lines say nothing', () => {
  assert.equal(readFact('Debugger attached.'), undefined);
  assert.equal(readFact('{"level":30,"pid":1,"msg":"shut down"}'), undefined);
});
