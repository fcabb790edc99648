import assert from 'node:assert/strict';
import { test } from 'node:test';
import { componentLogger, createLogger, type LoggerOptions } from '../../src/logger.ts';

/** Logs through `use` and answers what came out. */
function logged(
  options: LoggerOptions,
  use: (logger: ReturnType<typeof createLogger>) => void,
): string {
  let text = '';
  const stream = { write: (line: string) => void (text += line) };
  use(createLogger({ ...options, stream }));
  return text;
}

test('lines are JSON, with the component that speaks', () => {
  const text = logged({}, (logger) =>
    componentLogger(logger, 'forwarder').info({ moved: 3 }, 'forwarded'),
  );
  const line: Record<string, unknown> = JSON.parse(text);
  assert.equal(line['component'], 'forwarder');
  assert.equal(line['moved'], 3);
  assert.equal(line['msg'], 'forwarded');
});

test('lines below the level are not written', () => {
  const text = logged({ level: 'warn' }, (logger) => logger.info('no'));
  assert.equal(text, '');
});

test('secrets are redacted at the top and two levels down', () => {
  const text = logged({}, (logger) => {
    const password = 'pa55';
    logger.info(
      { password, redis: { password, options: { password } }, redisUrl: 'redis://u:pa55@h' },
      'x',
    );
  });
  assert.doesNotMatch(text, /pa55/);
  assert.match(text, /redis:\/\/\*\*\*@h/);
});

test('a whole task that is logged shows what names it, never its payload', () => {
  const task = { id: '1', type: 't', queue: 'q', retried: 0, maxRetry: 5, payload: 'private' };
  const text = logged({}, (logger) => logger.info({ task }, 'x'));
  assert.doesNotMatch(text, /private/);
  assert.match(text, /"task":\{"id":"1","type":"t","queue":"q","retried":0,"maxRetry":5\}/);
});

test('pretty lines are for people, written at once, without colours when it is no terminal', () => {
  const text = logged({ pretty: true }, (logger) => logger.warn({ queue: 'low' }, 'held back'));
  assert.match(text, /WARN \(\d+\/0\): held back \{"queue":"low"\}/);
  assert.equal(text.trimEnd().split('\n').length, 1);
  assert.ok(!text.includes('\u001b'));
});
