import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CrashLimitError, ProcessDiedError } from '../../src/errors.ts';
import {
  decideSettlement,
  type Decision,
  type RunDeath,
  type SettlementInput,
} from '../../src/policy/settlement.ts';

const error = new ProcessDiedError('killed by SIGKILL');

function decide(
  death: RunDeath['kind'],
  given: Partial<SettlementInput> = {},
  of: RunDeath['of'] = 'process',
): Decision {
  return decideSettlement({
    end: { kind: 'died', error, death: { kind: death, of } },
    stop: undefined,
    retried: 0,
    maxRetry: 25,
    crashes: 0,
    maxCrashes: 3,
    retentionSeconds: 0,
    isFailure: () => true,
    retryDelay: () => 1_000,
    ...given,
  });
}

test('a death while alone is a crash and spends an attempt', () => {
  assert.deepEqual(decide('alone'), {
    kind: 'retry',
    error,
    delayMs: 1_000,
    counts: true,
    reason: 'failure',
    mark: 'crash',
  });
});

test('at the last crash allowed the task is archived, whatever retries it has left', () => {
  assert.equal(decide('alone', { crashes: 1 }).kind, 'retry');
  const last = decide('alone', { crashes: 2 });
  assert.ok(last.kind === 'archive' && last.error instanceof CrashLimitError);
  assert.equal(last.mark, 'crash');
  assert.equal(last.error.crashes, 3);
  assert.match(last.error.message, /3 times, the last time: killed by SIGKILL/);
});

test('a crash without retries left archives the task with its own error', () => {
  assert.deepEqual(decide('alone', { maxRetry: 0 }), { kind: 'archive', error, mark: 'crash' });
});

test('a death with others makes a suspect and spends nothing, even of the last attempt', () => {
  const decision = { kind: 'requeue', reason: 'suspect', mark: 'suspect' };
  assert.deepEqual(decide('together', { retried: 25, crashes: 2 }), decision);
});

test('a bystander goes back with nothing spent and no mark', () => {
  assert.deepEqual(decide('bystander'), { kind: 'requeue', reason: 'process_died' });
  assert.deepEqual(decide('bystander', {}, 'thread'), { kind: 'requeue', reason: 'thread_died' });
});

test('a task that was told to stop is settled by that reason, however it died', () => {
  const canceled = decide('alone', { stop: 'canceled' });
  assert.ok(canceled.kind === 'retry' && canceled.error.message === 'context canceled');
  assert.equal(canceled.mark, undefined);
  assert.equal(decide('together', { stop: 'lease_lost' }).kind, 'drop');
  assert.deepEqual(decide('alone', { stop: 'shutdown' }), { kind: 'requeue', reason: 'shutdown' });
});

test('RetryLater does not undo a timeout or a cancel, but counts at shutdown', () => {
  const later = (stop: SettlementInput['stop']): Decision => {
    const end = { kind: 'threw', verdict: 'retry_later', error, retryDelayMs: 5 } as const;
    return decide('alone', { end, stop });
  };
  assert.equal(later(undefined).kind === 'retry' && later('shutdown').kind, 'retry');
  for (const stop of ['timeout', 'canceled'] as const) {
    const decision = later(stop);
    assert.ok(decision.kind === 'retry' && decision.counts && decision.reason === 'failure');
  }
});
