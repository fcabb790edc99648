import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HandlerReport } from '../../src/threads/messages.ts';
import { createRegistry } from '../../src/threads/registry.ts';
import { ranMs } from '../helpers/kernel-times.ts';

function report(pattern: string, file = `/h/${pattern}.js`): HandlerReport {
  return { file, url: `file://${file}`, pattern, hasSchema: false };
}

function resolved(patterns: string[], type: string): string | undefined {
  return createRegistry(patterns.map((pattern) => report(pattern))).resolve(type)?.pattern;
}

test('an exact pattern wins over a longer list of prefixes', () => {
  assert.equal(resolved(['email', 'email:send', 'email:s'], 'email:send'), 'email:send');
});

test('the longest prefix wins, and prefixes are plain strings', () => {
  assert.equal(resolved(['email', 'email:s', 'e'], 'email:send'), 'email:s');
  assert.equal(resolved(['email'], 'emails:x'), 'email');
});

test('a type that no pattern begins has no handler', () => {
  assert.equal(resolved(['email:send'], 'email'), undefined);
  assert.equal(resolved(['email'], 'x:email'), undefined);
  assert.equal(resolved([], 'email'), undefined);
  assert.equal(resolved(['email'], ''), undefined);
});

test('a task type is never a path', () => {
  const registry = createRegistry([report('image:resize')]);
  for (const type of ['../../etc/passwd', 'image/resize', '/h/image:resize.js', '__proto__']) {
    assert.equal(registry.resolve(type), undefined);
  }
});

test('one pattern claimed twice names both files', () => {
  assert.throws(
    () => createRegistry([report('a', '/h/one.js'), report('a', '/h/two.js')]),
    (error: Error & { code?: string }) => {
      assert.equal(error.code, 'ERR_HANDLER_LOAD');
      assert.match(error.message, /^\/h\/two\.js: .*"a".*\/h\/one\.js.*"_"$/);
      return true;
    },
  );
});

test('ten thousand patterns resolve in a few look-ups', () => {
  const registry = createRegistry(
    Array.from({ length: 10_000 }, (_, index) => report(`type-${index}:`)),
  );
  const begin = ranMs();
  for (let index = 0; index < 10_000; index += 1) {
    assert.equal(registry.resolve(`type-${index}:more`)?.pattern, `type-${index}:`);
  }
  const ms = ranMs() - begin;
  assert.ok(ms < 1_000, `${ms} ms on a core`);
  assert.equal(registry.patterns.length, 10_000);
});
