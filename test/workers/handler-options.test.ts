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

for (const [what, text, wanted] of [
  ['no function', `group: 'g:'`, /its aggregate is undefined: give defineAggregator a function/],
  ['no group', 'aggregate() {}', /its group is undefined: give the name of the groups/],
  ['a blank group', `group: ' ', aggregate() {}`, /its group is " ": give the name/],
  [
    'a wrong time',
    `group: '', aggregate() {}, timeout: -1`,
    /its timeout is -1: give milliseconds/,
  ],
] as const) {
  test(`an aggregator with ${what} stops the start`, async () => {
    const brand = `[Symbol.for('threadmill.aggregator')]: true`;
    const folder = await tempModules({ 'a.js': `export default { ${brand}, ${text} };` });
    await assert.rejects(scanHandlers([folder]), wanted);
  });
}

test('two aggregators of one group stop the start; a handler of that pattern does not', async () => {
  const brand = `[Symbol.for('threadmill.aggregator')]: true`;
  const one = `export default { ${brand}, group: 'a', aggregate: () => null, timeout: '3s' };`;
  const single = await scanHandlers([
    await tempModules({ 'a.js': 'export default () => 1;', 'b.js': one }),
  ]);
  assert.deepEqual(
    single.map(({ pattern, isAggregator, timeout }) => [pattern, isAggregator, timeout]),
    [
      ['a', undefined, undefined],
      ['a', true, '3s'],
    ],
  );
  const folder = await tempModules({ 'a.js': one, 'b.js': one });
  await assert.rejects(scanHandlers([folder]), /claims the pattern "a".*another group/);
});
