import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportError } from '../../src/cli/report-error.ts';
import { HandlerLoadError, InvalidOptionsError, RedisUnreachableError } from '../../src/errors.ts';

test('an error that Threadmill knows is one line with its code', () => {
  const report = reportError(new HandlerLoadError('a.js', 'no default export'), false);
  assert.deepEqual(report, {
    text: 'threadmill: ERR_HANDLER_LOAD: a.js: no default export',
    exitCode: 1,
  });
});

test('why Redis is out of reach stands in the line', () => {
  const cause = new Error('WRONGPASS invalid username-password pair');
  const { text } = reportError(new RedisUnreachableError('h:6379', 1000, { cause }), false);
  assert.match(text, /^threadmill: ERR_REDIS_UNREACHABLE: .* \(WRONGPASS invalid [a-z-]+ pair\)$/);
  const { text: short } = reportError(new RedisUnreachableError('h:6379', 1000), false);
  assert.match(short, /REDIS_URL is right$/);
});

test('when debugging the stack and the causes follow', () => {
  const cause = new Error('deep down');
  const { text } = reportError(new HandlerLoadError('a.js', 'bad', { cause }), true);
  assert.match(
    text,
    /^threadmill: ERR_HANDLER_LOAD: a.js: bad\n[\s\S]*\n {4}at [\s\S]*caused by Error: deep down/,
  );
});

test('an error nobody expected keeps its stack', () => {
  assert.match(
    reportError(new TypeError('x is not a function'), false).text,
    /TypeError: x is not a function\n {4}at /,
  );
  assert.deepEqual(reportError('thrown text', false).exitCode, 1);
});

test('wrong settings are listed one per line and mean code 2', () => {
  const issue = { name: 'A', value: '1', accepts: 'two' };
  assert.deepEqual(reportError(new InvalidOptionsError([issue, { ...issue, name: 'B' }]), false), {
    text: 'threadmill: 2 settings are wrong\n  A is "1", accepts two\n  B is "1", accepts two',
    exitCode: 2,
  });
  assert.match(
    reportError(new InvalidOptionsError([issue]), false).text,
    /^threadmill: one setting is wrong\n/,
  );
});
