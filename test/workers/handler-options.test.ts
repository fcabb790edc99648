import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { HandlerLoadError } from '../../src/errors.ts';
import { scanHandlers } from '../../src/threads/scan-handlers.ts';
import { tempModules } from '../helpers/temp-modules.ts';

const branded = (settings: string): string =>
  `const handler = { handle() {}, ${settings} };
   handler[Symbol.for('threadmill.handler')] = true;
   export default handler;`;

test('a handler declares its own heartbeat and grace time', async () => {
  const folder = await tempModules({
    'a.js': branded(`heartbeat: '10s', cancelGrace: 500`),
    'b.js': branded(`heartbeat: 250, cancelGrace: 0`),
    'c.js': branded(''),
  });
  const reports = await scanHandlers([folder]);
  assert.deepEqual(
    reports.map(({ heartbeat, cancelGrace }) => [heartbeat, cancelGrace]),
    [
      ['10s', 500],
      [250, 0],
      [undefined, undefined],
    ],
  );
  assert.equal('heartbeat' in (reports[2] ?? {}), false);
});

for (const [settings, reason] of [
  ['heartbeat: 0', /its heartbeat is 0: give milliseconds over 0 or text such as "10s"/],
  ['heartbeat: -1', /its heartbeat is -1: /],
  ['heartbeat: Infinity', /its heartbeat is Infinity: /],
  ['heartbeat: " "', /its heartbeat is " ": /],
  ['heartbeat: true', /its heartbeat is true: /],
  ['cancelGrace: -1', /its cancelGrace is -1: give milliseconds or text such as "2s"/],
  ['cancelGrace: NaN', /its cancelGrace is NaN: /],
  ['cancelGrace: {}', /its cancelGrace is \{\}: /],
] as const) {
  test(`a handler cannot declare ${settings}`, async () => {
    const folder = await tempModules({ 'bad.js': branded(settings) });
    await assert.rejects(scanHandlers([folder]), (error: unknown) => {
      assert.ok(error instanceof HandlerLoadError);
      assert.equal(error.file, join(folder, 'bad.js'));
      assert.match(error.reason, reason);
      return true;
    });
  });
}
