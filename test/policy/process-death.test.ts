import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DeathFacts, describeEnd, fateOf } from '../../src/policy/process-death.ts';

const nothing: DeathFacts = {
  cause: 'died',
  stuck: new Map(),
  begun: new Set(),
};
const bystander = { kind: 'died', death: { kind: 'bystander', of: 'process' } };

test('a process that died by itself blames its one begun task, and suspects several', () => {
  assert.deepEqual(fateOf('a', { ...nothing, begun: new Set(['a']) }), {
    kind: 'died',
    death: { kind: 'alone', of: 'process' },
  });
  assert.deepEqual(fateOf('a', { ...nothing, begun: new Set(['a', 'b']) }), {
    kind: 'died',
    death: { kind: 'together', of: 'process' },
  });
});

test('a task that had not begun is a bystander', () => {
  assert.deepEqual(fateOf('a', { ...nothing, begun: new Set(['b']) }), bystander);
  assert.deepEqual(fateOf('a', nothing), bystander);
});

test('a process that was killed as a task was stuck blames that one only', () => {
  const facts: DeathFacts = {
    ...nothing,
    cause: 'stuck',
    stuck: new Map([['a', 'timeout']]),
    begun: new Set(['a', 'b']),
  };
  assert.deepEqual(fateOf('a', facts), { kind: 'stopped', reason: 'timeout' });
  assert.deepEqual(fateOf('b', facts), bystander);
  assert.deepEqual(fateOf('c', facts), bystander);
});

test('what is left at a shutdown was stopped by it', () => {
  const facts: DeathFacts = { ...nothing, cause: 'shutdown', begun: new Set(['a']) };
  assert.deepEqual(fateOf('a', facts), { kind: 'stopped', reason: 'shutdown' });
});

test('a stuck task that is only suspected becomes a suspect, and spends nothing', () => {
  const facts: DeathFacts = {
    cause: 'stuck',
    stuck: new Map([['a', 'suspect']]),
    begun: new Set(['a']),
  };
  const together = { kind: 'died', death: { kind: 'together', of: 'process' } };
  assert.deepEqual(fateOf('a', facts), together);
});

test('the end of a process is told in words', () => {
  assert.equal(describeEnd({ code: 7, signal: null }), 'exit code 7');
  assert.equal(
    describeEnd({ code: null, signal: 'SIGABRT' }),
    'killed by SIGABRT (out of memory?)',
  );
  assert.equal(describeEnd({ code: null, signal: 'SIGTERM' }), 'killed by SIGTERM');
  assert.equal(describeEnd({ code: null, signal: null }), 'it could not be started');
});
