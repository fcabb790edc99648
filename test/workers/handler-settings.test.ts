import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { TaskOutcome } from '../../src/threads/messages.ts';
import { fixture } from '../helpers/paths.ts';
import { copyPackage, tempModules } from '../helpers/temp-modules.ts';
import { startThread } from '../helpers/worker-harness.ts';

const thread = await startThread();

function threw(outcome: TaskOutcome): Extract<TaskOutcome, { kind: 'threw' }> {
  assert.equal(outcome.kind, 'threw', JSON.stringify(outcome));
  return outcome;
}

function textOf(outcome: TaskOutcome): string {
  assert.equal(outcome.kind, 'returned', JSON.stringify(outcome));
  return new TextDecoder().decode(outcome.kind === 'returned' ? outcome.result : undefined);
}

const verdicts = fixture('threads/verdicts.js');
for (const [type, verdict] of [
  ['skip', 'skip_retry'],
  ['revoke', 'revoke'],
  ['later', 'retry_later'],
  ['wrapped', 'skip_retry'],
  ['both', 'revoke'],
  ['rateLimit', 'failure'],
] as const) {
  test(`a thrown value asks for its verdict: ${type} means ${verdict}`, async () => {
    assert.equal(threw(await thread.run(verdicts, { type })).verdict, verdict);
  });
}

test('RetryLater brings its delay and is not asked about further', async () => {
  const outcome = threw(await thread.run(verdicts, { type: 'later' }));
  assert.deepEqual([outcome.retryDelay, outcome.isFailure], ['5s', undefined]);
  assert.equal(outcome.error.message, 'busy');
});

test('isFailure and retryDelay of the handler are asked about the real error', async () => {
  const outcome = threw(await thread.run(verdicts, { type: 'rateLimit', retried: 2, id: 'four' }));
  assert.deepEqual([outcome.isFailure, outcome.retryDelay], [false, 3_004]);
});

test('an isFailure that throws and a retryDelay that is no delay are ignored and logged', async () => {
  const run = thread.hand(verdicts, { type: 'badAnswers' });
  const outcome = threw(await run.outcome);
  assert.deepEqual([outcome.isFailure, outcome.retryDelay], [undefined, undefined]);
  const messages = thread.lines(run.run).map((line) => line.message);
  assert.equal(messages.length, 2);
  assert.match(messages[0] ?? '', /isFailure threw/);
  assert.match(messages[1] ?? '', /retryDelay gave no usable answer/);
});

test('verdicts of a second copy of the package are recognised', async () => {
  const folder = await tempModules({
    'skip.js': `import { SkipRetry } from './copy/handler.js';
      export default () => { throw new SkipRetry('other copy'); };`,
    'defined.js': `import { defineHandler } from './copy/handler.js';
      export default defineHandler({ handle: () => 'from the other copy' });`,
  });
  await copyPackage(new URL('../../src/', import.meta.url), join(folder, 'copy'));
  assert.equal(threw(await thread.run(join(folder, 'skip.js'))).verdict, 'skip_retry');
  assert.equal(textOf(await thread.run(join(folder, 'defined.js'))), 'from the other copy');
});

test('a schema gives json() its output', async () => {
  const outcome = await thread.run(fixture('threads/valibot.js'), { payload: { path: 'a.png' } });
  assert.deepEqual(JSON.parse(textOf(outcome)), { path: 'a.png', width: 100 });
});

test('a payload that does not fit its schema has a verdict of its own, with the issues', async () => {
  const wrong = { payload: { path: 3, width: 'x' }, type: 'image:resize' };
  const outcome = threw(await thread.run(fixture('threads/valibot.js'), wrong));
  assert.equal(outcome.verdict, 'invalid_payload');
  assert.equal(outcome.error.code, 'ERR_INVALID_PAYLOAD');
  const { issues } = outcome.error.properties as { issues: string[] };
  assert.equal(issues.length, 2);
  assert.match(issues[0] ?? '', /^path: .*string/i);
});

test('bytes that are not JSON do not fit a schema', async () => {
  const payload = new TextEncoder().encode('{no');
  const outcome = threw(await thread.run(fixture('threads/valibot.js'), { payload }));
  assert.equal(outcome.verdict, 'invalid_payload');
});

test('a declared result is checked where it is kept', async () => {
  const declared = fixture('threads/declared.js');
  assert.equal(textOf(await thread.run(declared, { payload: 12 })), '12');
  const outcome = threw(await thread.run(declared, { payload: 5 }));
  assert.deepEqual([outcome.verdict, outcome.error.code], ['failure', 'ERR_INVALID_PAYLOAD']);
  assert.equal(textOf(await thread.run(declared, { payload: 5, keepsResult: false })), '');
  assert.equal(threw(await thread.run(declared, { payload: 'x' })).verdict, 'invalid_payload');
});

test('middleware runs outermost first, the handler’s own inside', async () => {
  const middleware = ['outer', 'inner'].map(
    (name) => pathToFileURL(fixture(`threads/middleware-${name}.js`)).href,
  );
  const own = await startThread({ middleware });
  const run = own.hand(fixture('threads/own-middleware.js'));
  assert.equal(textOf(await run.outcome), 'outer(inner(own(handled)))');
  assert.deepEqual(
    own.lines(run.run).map((line) => line.message),
    ['outer before', 'inner before', 'inner after', 'outer after'],
  );
});

test('a middleware that calls next twice fails the run', async () => {
  const outcome = threw(await thread.run(fixture('threads/twice.js')));
  assert.match(outcome.error.message, /next\(\) was called twice/);
});
