import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CANCEL_CHANNEL,
  queueKeys,
  QUEUES,
  schedulerHistoryKey,
  schedulerKey,
  SCHEDULERS,
  serverKey,
  SERVERS,
  utcDay,
  WORKERS,
  workersKey,
} from '../../src/wire/keys.ts';
import { payload } from './golden.ts';

test('global keys are those of the protocol', () => {
  assert.deepEqual(
    [QUEUES, SERVERS, WORKERS, SCHEDULERS, CANCEL_CHANNEL],
    ['asynq:queues', 'asynq:servers', 'asynq:workers', 'asynq:schedulers', 'asynq:cancel'],
  );
  assert.equal(serverKey('h:1:u'), 'asynq:servers:{h:1:u}');
  assert.equal(workersKey('h:1:u'), 'asynq:workers:{h:1:u}');
  assert.equal(schedulerKey('h:1:u'), 'asynq:schedulers:{h:1:u}');
  assert.equal(schedulerHistoryKey('e'), 'asynq:scheduler_history:e');
});

test('keys of a queue are those of the protocol', () => {
  const keys = queueKeys('low');
  const names = Object.values(keys).filter((value) => typeof value === 'string');
  assert.deepEqual(names, [
    'asynq:{low}:',
    'asynq:{low}:t:',
    'asynq:{low}:pending',
    'asynq:{low}:active',
    'asynq:{low}:lease',
    'asynq:{low}:scheduled',
    'asynq:{low}:retry',
    'asynq:{low}:archived',
    'asynq:{low}:completed',
    'asynq:{low}:paused',
    'asynq:{low}:processed',
    'asynq:{low}:failed',
    'asynq:{low}:groups',
    'asynq:{low}:aggregation_sets',
    'asynq:{low}:threadmill_aggregated',
  ]);
  assert.equal(keys.closedSet('s'), 'asynq:{low}:threadmill_aggregated:s');
  assert.equal(keys.calls('c'), 'asynq:{low}:threadmill_calls:c');
  assert.equal(keys.staged('m'), 'asynq:{low}:threadmill_staged:m');
  assert.equal(keys.task('a'), 'asynq:{low}:t:a');
  assert.equal(keys.group('g'), 'asynq:{low}:g:g');
  assert.equal(keys.aggregationSet('g', 's'), 'asynq:{low}:g:g:s');
  assert.equal(keys.processedOn('2026-01-02'), 'asynq:{low}:processed:2026-01-02');
  assert.equal(keys.failedOn('2026-01-02'), 'asynq:{low}:failed:2026-01-02');
});

test('lock keys are the golden ones, and tell no payload from an empty one', () => {
  const { unique } = queueKeys('default');
  const prefix = 'asynq:{default}:unique:email:send:';
  assert.equal(unique('email:send', payload), `${prefix}1181f89307fa271072c095747d5813cc`);
  assert.equal(unique('email:send', undefined), prefix);
  assert.equal(
    unique('email:send', new Uint8Array(0)),
    `${prefix}d41d8cd98f00b204e9800998ecf8427e`,
  );
});

test('the day of an instant is that of UTC', () => {
  assert.equal(utcDay(Date.UTC(2026, 0, 31, 23, 59, 59, 999)), '2026-01-31');
  assert.equal(utcDay(Date.UTC(2026, 1, 1)), '2026-02-01');
});
