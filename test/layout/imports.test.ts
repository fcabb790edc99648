/** The rules of the house: imports go down, or sideways inside a layer, never up; no cycles; threads stay light. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importsOf, readSourceFiles } from './source-files.ts';
import type { SourceFile } from './source-files.ts';

/**
 * The layers, by longest matching beginning of a path. 0 vocabulary and bytes; 1 decisions and shared types; 2 Redis;
 * 3 components, and what runs in the threads; 4 shells; 5 the public surface.
 */
const LAYERS: Readonly<Record<string, number>> = {
  'src/wire/': 0,
  'src/task.ts': 0,
  'src/task-records.ts': 0,
  'src/errors.ts': 0,
  'src/errors/': 0,
  'src/clock.ts': 0,
  'src/handler.ts': 0,
  'src/aggregator.ts': 0,
  'src/show.ts': 0,
  'src/validate-payload.ts': 0,
  'src/verdicts.ts': 0,
  'src/standard-schema.ts': 0,
  'src/payload.ts': 0,
  'src/policy/': 1,
  'src/config.ts': 1,
  'src/config/': 1,
  'src/logger.ts': 1,
  'src/serialize-error.ts': 1,
  'src/threads/journal-record.ts': 1,
  'src/threads/messages.ts': 1,
  'src/threads/process-clock.ts': 1,
  'src/threads/task-batch.ts': 1,
  'src/threads/registry.ts': 1,
  'src/threads/run-table.ts': 1,
  'src/broker/': 2,
  'src/embedded/': 2,
  'src/runtime/': 3,
  'src/threads/': 3,
  'src/broker-on-demand.ts': 3,
  'src/client.ts': 3,
  'src/enqueue-batches.ts': 3,
  'src/enqueuer.ts': 3,
  'src/task-editor.ts': 3,
  'src/inspector/': 3,
  'src/scheduler/': 3,
  'workers/': 3,
  'src/cli/': 4,
  'src/web/': 4,
  'src/metrics/': 4,
  'src/supervisor/': 4,
  'src/index.ts': 5,
};

/** All that `workers/` may import of `src/`: dependency-free, so that a thread starts at once. */
const SHARED_WITH_THREADS: readonly string[] = [
  'src/aggregator.ts',
  'src/errors.ts',
  'src/errors/base.ts',
  'src/errors/queue-errors.ts',
  'src/errors/scheduler-errors.ts',
  'src/errors/task-errors.ts',
  'src/handler.ts',
  'src/payload.ts',
  'src/policy/stop-reason.ts',
  'src/serialize-error.ts',
  'src/show.ts',
  'src/standard-schema.ts',
  'src/task.ts',
  'src/threads/journal-record.ts',
  'src/threads/messages.ts',
  'src/threads/process-clock.ts',
  'src/threads/run-table.ts',
  'src/threads/task-batch.ts',
  'src/validate-payload.ts',
  'src/verdicts.ts',
];

/** Packages that one folder alone may load at run time: elsewhere nobody knows them. */
const ONLY_IN: Readonly<Record<string, string>> = {
  ioredis: 'src/broker/',
  'protobufjs/minimal.js': 'src/wire/',
  piscina: 'src/threads/',
  'prom-client': 'src/metrics/',
  hono: 'src/web/',
  '@hono/node-server': 'src/web/',
  commander: 'src/cli/',
  'cli-progress': 'src/cli/',
  'cli-table3': 'src/cli/',
};

/** What a decision must not touch. */
const IO: readonly string[] = [
  'fs',
  'net',
  'http',
  'child_process',
  'worker_threads',
  'timers',
  'dns',
  'os',
];

const MAX_LINES = 300;

const files = readSourceFiles('src', 'workers');

function layerOf(path: string): number | undefined {
  const beginnings = Object.keys(LAYERS).filter((beginning) => path.startsWith(beginning));
  const longest = beginnings.sort((a, b) => b.length - a.length)[0];
  return longest === undefined ? undefined : LAYERS[longest];
}

/** One line for every import of `sources` that `isWrong`. */
function offences(
  sources: readonly SourceFile[],
  isWrong: (source: SourceFile, line: SourceFile['imports'][number]) => boolean,
): string[] {
  return sources.flatMap((source) =>
    source.imports
      .filter((line) => isWrong(source, line))
      .map((line) => `${source.path} imports ${line.target}`),
  );
}

const isThreadCode = ({ path }: SourceFile): boolean => path.startsWith('workers/');
const isBundledHandler = ({ path }: SourceFile): boolean => path.startsWith('workers/handlers/');

test('the reader of imports sees every form and no comment', () => {
  const text = [
    "import a from 'x';",
    "import type { B } from './b.ts';",
    "import {\n  c,\n  type D,\n} from '../d.ts';",
    "export { e } from './e.ts';",
    "export type * from './f.ts';",
    "export * as g from './g.ts';",
    "import './h.ts';",
    "const i = await import('node:fs');",
    "/** import z from 'z'; */",
    "// import y from 'y';",
    "export const url = 'http://x';",
  ].join('\n');
  const seen = importsOf('src/k/l.ts', text);
  const facts = seen.map(({ target, isTypeOnly, isDynamic }) => [target, isTypeOnly, isDynamic]);
  assert.deepEqual(facts, [
    ['x', false, false],
    ['src/k/b.ts', true, false],
    ['src/d.ts', false, false],
    ['src/k/e.ts', false, false],
    ['src/k/f.ts', true, false],
    ['src/k/g.ts', false, false],
    ['src/k/h.ts', false, false],
    ['node:fs', false, true],
  ]);
});

test('every source file belongs to a layer', () => {
  assert.ok(files.length > 20);
  const homeless = files.filter(({ path }) => layerOf(path) === undefined);
  assert.deepEqual(
    homeless.map(({ path }) => path),
    [],
  );
});

test('imports go down or sideways, never up, those of types included', () => {
  const upward = offences(
    files,
    ({ path }, { target, isFile }) => isFile && (layerOf(target) ?? 0) > (layerOf(path) ?? 0),
  );
  assert.deepEqual(upward, []);
});

test('every imported file is there', () => {
  const paths = new Set(files.map(({ path }) => path));
  const missing = offences(files, (_, { target, isFile }) => isFile && !paths.has(target));
  assert.deepEqual(missing, []);
});

test('files do not import each other in a circle', () => {
  assert.deepEqual(findCycle(files), []);
});

test('src knows the threads by the address of their entry only', () => {
  const sources = files.filter((file) => !isThreadCode(file));
  assert.deepEqual(
    offences(sources, (_, { target }) => target.startsWith('workers/')),
    [],
  );
});

test('thread code imports of src only what is shared with it', () => {
  const wrong = offences(
    files.filter(isThreadCode),
    (_, { target }) => target.startsWith('src/') && !SHARED_WITH_THREADS.includes(target),
  );
  assert.deepEqual(wrong, []);
});

test('nothing that a thread loads before its handler needs a package', () => {
  const loaded = files.filter(
    (file) =>
      SHARED_WITH_THREADS.includes(file.path) || (isThreadCode(file) && !isBundledHandler(file)),
  );
  assert.ok(loaded.length > SHARED_WITH_THREADS.length - 1);
  assert.deepEqual(
    offences(loaded, (_, line) => !line.isFile && !line.target.startsWith('node:')),
    [],
  );
});

test('what is shared with the threads needs nothing else of src', () => {
  const shared = files.filter(({ path }) => SHARED_WITH_THREADS.includes(path));
  const wrong = offences(
    shared,
    (_, { target, isFile }) => isFile && !SHARED_WITH_THREADS.includes(target),
  );
  assert.deepEqual(wrong, []);
});

test('each package is loaded in its own folder only', () => {
  const strays = offences(files, ({ path }, { target, isTypeOnly }) => {
    const home = ONLY_IN[target];
    return home !== undefined && !isTypeOnly && !path.startsWith(home);
  });
  assert.deepEqual(strays, []);
});

test('the library loads no web server before it serves', () => {
  const loaded = new Set(['src/index.ts']);
  // A set that grows while it is walked through is walked to its new end.
  for (const path of loaded) {
    for (const line of files.find((file) => file.path === path)?.imports ?? []) {
      if (!line.isTypeOnly && !line.isDynamic) loaded.add(line.target);
    }
  }
  assert.ok(loaded.has('src/web/observe.ts'));
  assert.deepEqual(
    [...loaded].filter((target) => /hono/.test(target)),
    [],
  );
});

test('policy decides without input or output', () => {
  const policy = files.filter(({ path }) => path.startsWith('src/policy/'));
  const names = IO.map((name) => `node:${name}`);
  assert.deepEqual(
    offences(policy, (_, { target }) =>
      names.some((name) => target === name || target.startsWith(`${name}/`)),
    ),
    [],
  );
});

test('nobody imports the public surface', () => {
  assert.deepEqual(
    offences(files, (_, { target }) => target === 'src/index.ts'),
    [],
  );
});

test(`no source file has over ${MAX_LINES} lines`, () => {
  const long = files.filter(({ lines }) => lines > MAX_LINES);
  assert.deepEqual(
    long.map(({ path, lines }) => `${path} has ${lines}`),
    [],
  );
});

test('a circle of imports is found', () => {
  const file = (path: string, target: string, isTypeOnly = false): SourceFile => ({
    path,
    lines: 1,
    imports: [{ target, isFile: true, isTypeOnly, isDynamic: false }],
  });
  assert.deepEqual(findCycle([file('a', 'b'), file('b', 'c'), file('c', 'b')]), ['b', 'c', 'b']);
  assert.deepEqual(findCycle([file('a', 'b'), file('b', 'a', true)]), []);
});

/** A circle of imports that exist at run time, as the files along it; empty when there is none. */
function findCycle(sources: readonly SourceFile[]): string[] {
  const byPath = new Map(sources.map((file) => [file.path, file]));
  const done = new Set<string>();
  const visit = (path: string, way: readonly string[]): string[] => {
    if (way.includes(path)) return [...way.slice(way.indexOf(path)), path];
    if (done.has(path)) return [];
    for (const { target, isFile, isTypeOnly } of byPath.get(path)?.imports ?? []) {
      if (!isFile || isTypeOnly) continue;
      const cycle = visit(target, [...way, path]);
      if (cycle.length > 0) return cycle;
    }
    done.add(path);
    return [];
  };
  for (const path of byPath.keys()) {
    const cycle = visit(path, []);
    if (cycle.length > 0) return cycle;
  }
  return [];
}
