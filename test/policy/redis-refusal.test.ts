import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RedisReplyError, RedisUnreachableError } from '../../src/errors.ts';
import { redisRefusal } from '../../src/policy/redis-refusal.ts';

const code = (text: string): string | undefined =>
  redisRefusal(new RedisReplyError('/r.sock', text))?.code;

test('the states in which Redis writes nothing are told by its own words', () => {
  assert.equal(code("OOM command not allowed when used memory > 'maxmemory'."), 'OOM');
  assert.equal(code("READONLY You can't write against a read only replica."), 'READONLY');
  assert.equal(code('NOREPLICAS Not enough good replicas to write.'), 'NOREPLICAS');
  assert.equal(code('LOADING Redis is loading the dataset in memory'), 'LOADING');
});

test('those in an error of a script of Redis 6.2 as well', () => {
  const text =
    'ERR Error running script (call to f_0a1b): @user_script:30: @user_script: 30: -OOM command not allowed';
  const refusal = redisRefusal(new RedisReplyError('/r.sock', text));
  assert.equal(refusal?.code, 'OOM');
  assert.match(refusal.text, /^OOM command not allowed/);
});

test('every other answer, and no answer, is none', () => {
  assert.equal(
    code('WRONGTYPE Operation against a key holding the wrong kind of value'),
    undefined,
  );
  assert.equal(code("NOPERM this user has no permissions to run the 'evalsha' command"), undefined);
  assert.equal(redisRefusal(new RedisUnreachableError('/r.sock', 5)), undefined);
  assert.equal(redisRefusal(new Error('OOM command not allowed')), undefined);
});
