import assert from 'node:assert/strict';
import { symlink } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { scanHandlers, type ScanOptions } from '../../src/threads/scan-handlers.ts';
import { fixture } from '../helpers/paths.ts';
import { tempModules } from '../helpers/temp-modules.ts';

const HANDLER = 'export default (task, ctx) => task.json();\n';

async function patterns(files: Record<string, string>): Promise<Record<string, string>> {
  const folder = await tempModules(files);
  const reports = await scanHandlers([folder]);
  return Object.fromEntries(reports.map((one) => [relative(folder, one.file), one.pattern]));
}

/** The message with which a folder of one bad module (and a good one) is refused. */
async function refusal(
  file: string,
  text: string,
  options?: ScanOptions,
): Promise<{ folder: string; message: string }> {
  const folder = await tempModules({ 'good.js': HANDLER, [file]: text });
  let message = '';
  await assert.rejects(scanHandlers([folder], options), (error: Error & { code?: string }) => {
    message = error.message;
    assert.equal(error.code, 'ERR_HANDLER_LOAD');
    assert.ok(message.startsWith(`${join(folder, file)}: `), message);
    assert.match(message, /exclude it by a name that begins with "_"/);
    return true;
  });
  return { folder, message };
}

test('a path below the folder is the pattern of a plain function', async () => {
  assert.deepEqual(
    await patterns({
      'hello.js': HANDLER,
      'image/resize.js': HANDLER,
      'image/index.mjs': HANDLER,
      'deep/er/index.js': HANDLER,
      'old.cjs': 'module.exports = (task) => task.id;',
    }),
    {
      'deep/er/index.js': 'deep:er',
      'hello.js': 'hello',
      'image/index.mjs': 'image',
      'image/resize.js': 'image:resize',
      'old.cjs': 'old',
    },
  );
});

test('private names, tests, declarations and node_modules are skipped', async () => {
  const skipped = ['_a.js', '.b.js', '_c/d.js', '.e/f.js', 'g.test.js', 'h.spec.mjs', 'i.d.ts'];
  const files = [...skipped, 'node_modules/j/index.js', 'k.json', 'l.txt', 'm.d.mts'];
  const bad = Object.fromEntries(files.map((file) => [file, 'throw new Error("loaded")']));
  assert.deepEqual(await patterns({ ...bad, 'good.js': HANDLER }), { 'good.js': 'good' });
});

test('a module names its pattern itself: named export, definition, or declaration', async () => {
  const folder = await tempModules({
    'a.js': `export const type = 'named';\n${HANDLER}`,
    'b.cjs': "module.exports = (task) => 1; module.exports.type = 'common';",
    'c.cjs': "exports.default = (task) => 1; exports.type = 'interop';",
  });
  const files = [folder, fixture('threads/valibot.js'), fixture('threads/declared.js')];
  const reports = await scanHandlers(files);
  assert.deepEqual(
    reports.map((one) => one.pattern),
    ['named', 'common', 'interop', 'image:resize', 'declared'],
  );
  const { timeout, retries, hasSchema } = reports[4] ?? {};
  assert.deepEqual([timeout, retries, hasSchema], ['30s', 3, true]);
});

test('a listed file has its name as pattern, also one that a folder would skip', async () => {
  const folder = await tempModules({ 'image/_resize.js': HANDLER });
  const [report] = await scanHandlers([join(folder, 'image/_resize.js')]);
  assert.equal(report?.pattern, '_resize');
});

test('a link that leads back into its own folder ends the walk there', async () => {
  const folder = await tempModules({ 'a/one.js': HANDLER });
  await symlink(folder, join(folder, 'a', 'loop'));
  await symlink(join(folder, 'nowhere'), join(folder, 'broken.js'));
  const reports = await scanHandlers([folder]);
  assert.deepEqual(
    reports.map((one) => one.pattern),
    ['a:one'],
  );
});

test('a folder that is missing, empty, or a file of another kind stops the start', async () => {
  const folder = await tempModules({ 'notes.txt': 'x' });
  await assert.rejects(
    scanHandlers([join(folder, 'gone')]),
    /gone: there is no such file or folder/,
  );
  await assert.rejects(scanHandlers([folder]), /the folder holds no handler module/);
  await assert.rejects(scanHandlers([join(folder, 'notes.txt')]), /a handler module ends in \.js/);
});

test('a pattern claimed twice names both files', async () => {
  const folder = await tempModules({
    'a.js': HANDLER,
    'b.js': `export const type = 'a';\n${HANDLER}`,
  });
  await assert.rejects(scanHandlers([folder]), /b\.js: it claims the pattern "a", which .*a\.js/);
});

const failures: [string, string, string, RegExp][] = [
  [
    'throws',
    'bad.js',
    'throw new TypeError("at load")',
    /failed while loading: TypeError: at load/,
  ],
  ['has a syntax error', 'bad.js', 'export default (', /has a syntax error/],
  ['imports what is missing', 'bad.js', 'import "./gone.js";', /imports what is not there: .*gone/],
  ['has no default export', 'bad.js', 'export const x = 1;', /has no default export/],
  ['exports a value', 'bad.js', 'export default 42;', /its default export is 42/],
  ['exports a class', 'bad.js', 'export default class A {}', /its default export is a class/],
  [
    'has a blank type',
    'bad.js',
    `export const type = ' ';${HANDLER}`,
    /named export `type` is " "/,
  ],
  ['rejects', 'bad.js', 'await Promise.reject("text"); export default 1;', /it threw text/],
  ['exits', 'bad.js', 'process.exit(7);', /ended its thread with exit code 7/],
  [
    'waits for ever',
    'bad.js',
    'await new Promise(() => {});',
    /top-level await that never settles/,
  ],
  [
    'throws later',
    'bad.js',
    'setTimeout(() => { throw new Error("later") }); await new Promise((r) => setTimeout(r, 500));',
    /nothing caught: later/,
  ],
];

for (const [what, file, text, reason] of failures) {
  test(`a module that ${what} stops the start with file, reason and a way out`, async () => {
    assert.match((await refusal(file, text)).message, reason);
  });
}

test('a module that takes too long stops the start', async () => {
  const timed = 'await new Promise((r) => setTimeout(r, 60_000)); export default () => 1;';
  const { message } = await refusal('slow.js', timed, { moduleLimitMs: 1_500 });
  assert.match(message, /did not load within 1\.5 s/);
  const spins = await refusal('spins.js', 'for (;;);', { moduleLimitMs: 1_500 });
  assert.match(spins.message, /did not load within 1\.5 s/);
});

test('a definition with a wrong setting stops the start', async () => {
  const define = "const brand = Symbol.for('threadmill.handler');\nexport default";
  for (const [setting, reason] of [
    ['handle: 1', /its handle is 1/],
    ['handle() {}, timeout: -1', /its timeout is -1: give milliseconds/],
    ['handle() {}, retries: 1.5', /its retries is 1\.5/],
    ['handle() {}, schema: {}', /its schema is \{\}: give a Standard Schema/],
    ['handle() {}, middleware: [1]', /its middleware is \[1\]/],
  ] as const) {
    const text = `${define} { [brand]: true, ${setting} };`;
    assert.match((await refusal('bad.js', text)).message, reason);
  }
});

test('a middleware module that is no function stops the start', async () => {
  const folder = await tempModules({ 'h.js': HANDLER, '_m.js': 'export default 1;' });
  const options = { middleware: [join(folder, '_m.js')] };
  await assert.rejects(
    scanHandlers([join(folder, 'h.js')], options),
    /_m\.js: a middleware module must export/,
  );
});

const strips = Boolean((process.features as { typescript?: unknown }).typescript);

test('a .ts handler loads where Node strips types, and says so where it does not', async () => {
  const text = 'export default (task: { id: string }): string => task.id;\n';
  if (strips) {
    assert.deepEqual(await patterns({ 'typed.ts': text, 'm.mts': text }), {
      'm.mts': 'm',
      'typed.ts': 'typed',
    });
  } else {
    const { message } = await refusal('typed.ts', text);
    assert.match(
      message,
      /does not strip types: use Node 22\.18 or later, or compile the file to \.js/,
    );
  }
});

test('TypeScript that cannot be stripped has a message of its own', { skip: !strips }, async () => {
  const { message } = await refusal('e.ts', 'enum E { A }\nexport default () => E.A;\n');
  assert.match(message, /TypeScript syntax that Node cannot strip/);
});

test('the main thread imports no handler module', async () => {
  const folder = await tempModules({
    'a.js': `globalThis.loadedHere = true;\n${HANDLER}`,
  });
  await scanHandlers([folder]);
  assert.equal('loadedHere' in globalThis, false);
});
