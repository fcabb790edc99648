import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HandlerLoadError } from '../../src/errors.ts';
import { handlerBounds } from '../../src/policy/handler-bounds.ts';
import type { HandlerReport } from '../../src/threads/messages.ts';

const report: HandlerReport = { file: 'a.js', url: 'file:///a.js', pattern: 'a', hasSchema: false };

test('declared durations are read, and what is not declared is absent', () => {
  const given = { ...report, timeout: '2s', cancelGrace: 500, heartbeat: '10s' };
  const expected = { timeoutMs: 2_000, cancelGraceMs: 500, heartbeatMs: 10_000 };
  assert.deepEqual(handlerBounds([given]).get(report.url), expected);
  assert.deepEqual(handlerBounds([report]).get(report.url), {});
});

for (const [name, value] of [
  ['timeout', 'soon'],
  ['cancelGrace', '-1'],
  ['cancelGrace', '61m'],
  ['heartbeat', '10 parsecs'],
  ['heartbeat', 0],
] as const) {
  test(`${name}: ${JSON.stringify(value)} is refused with the file and the setting`, () => {
    assert.throws(
      () => handlerBounds([{ ...report, [name]: value }]),
      (error) =>
        error instanceof HandlerLoadError && error.file === 'a.js' && error.reason.startsWith(name),
    );
  });
}
