import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  resolveClientSettings,
  resolveServerSettings,
  resolveServeSettings,
  type ServerOptions,
} from '../../src/config.ts';
import type { SettingName } from '../../src/config/setting.ts';
import { SETTINGS } from '../../src/config/settings-table.ts';
import { folderWith, input, issuesOf, machine } from './config-input.ts';

/** Wrong text for every setting; several where there are several ways to be wrong. */
const WRONG: Readonly<Record<SettingName, readonly string[]>> = {
  redis: ['localhost:6379', 'http://localhost', 'redis://host/zero', 'redis+sentinel://host'],
  connectTimeout: ['0', '11m', 'soon'],
  handlers: ['./nope', ','],
  middleware: ['./nope'],
  queues: ['a=0', 'a=1001', 'a=1.5', 'a=b', 'a,a', '{a}', 'a=1=2', '=3', 'a,,b', ' '],
  concurrency: ['0', '-1', '1.5', 'x', '10001', '1e3'],
  tasksPerThread: ['0', '1001', 'many'],
  strictPriority: ['maybe', '2'],
  shutdownTimeout: ['-1', '25h', '8 parsecs'],
  cancelGrace: ['2h', 'x'],
  leaseDuration: ['9s', '61m', '0'],
  maxRetryDelay: ['366d', 'never'],
  maxOldGenerationMb: ['15', 'all'],
  maxTaskMemoryMb: ['15', 'all'],
  maxCrashes: ['0', '1001', 'never'],
  recycle: ['tasks=0', 'tasks', 'tasks=1,tasks=2', 'heap=5', 'rss=15', 'age=soon', ' ', 'age=1h,'],
  processes: ['0', '1001', 'two'],
  maxPayloadSize: ['0', '536870913', '16MiB'],
  pollInterval: ['0', '2m'],
  forwardInterval: ['1001', '9'],
  janitorInterval: ['99', '2h'],
  recoverInterval: ['99', '2h'],
  heartbeatInterval: ['99', '11s'],
  healthInterval: ['99', '2h'],
  groupGracePeriod: ['0', '999', '25h'],
  groupMaxDelay: ['0', '999', '31d', 'none'],
  groupMaxSize: ['0', '10001', 'all'],
  logLevel: ['loud', '30'],
  logPretty: ['perhaps'],
  httpHost: ['a b', 'http://x'],
  httpPort: ['65536', '-1', 'none', '80.5'],
  queueMetrics: ['a,{b}', 'a,,b'],
};

for (const setting of SETTINGS) {
  test(`${setting.env} is refused by name, with its value and what it accepts`, async () => {
    for (const value of WRONG[setting.option]) {
      const fromEnv = await issuesOf(
        resolveServeSettings(input({ env: { [setting.env]: value } })),
      );
      assert.deepEqual(fromEnv, [{ name: setting.env, value, accepts: setting.accepts }]);
      const fromFlag = await issuesOf(
        resolveServeSettings(input({ flags: { [setting.flag]: value } })),
      );
      assert.deepEqual(fromFlag, [{ name: setting.flag, value, accepts: setting.accepts }]);
    }
  });
}

/** Wrong native values beside the text above. */
const WRONG_NATIVE: readonly (readonly [SettingName, unknown])[] = [
  ['redis', 7],
  ['redis', ['redis://host']],
  ['handlers', []],
  ['handlers', [1]],
  ['handlers', new URL('http://host/handlers')],
  ['queues', {}],
  ['queues', []],
  ['queues', { a: 0 }],
  ['queues', { a: '3' }],
  ['queues', { 'a,b': 1 }],
  ['queues', ['a', 'a']],
  ['concurrency', 1.5],
  ['concurrency', Number.NaN],
  ['concurrency', null],
  ['strictPriority', 1],
  ['leaseDuration', Number.POSITIVE_INFINITY],
  ['leaseDuration', -1],
  ['logLevel', 30],
];

test('wrong native values of options are refused by the option name', async () => {
  for (const [name, value] of WRONG_NATIVE) {
    const options = { redis: 'redis://host', handlers: folderWith(), [name]: value };
    const issues = await issuesOf(() => resolveServerSettings(options, machine));
    assert.deepEqual(
      issues.map((issue) => issue.name),
      [name],
      `${name}: ${String(value)}`,
    );
  }
});

test('functions are checked to be functions, and a logger to be a logger', async () => {
  const wrong = {
    retryDelay: 5,
    isFailure: true,
    errorHandler: 'log',
    beforeLease: {},
    logger: console.log,
  };
  const options = { redis: 'redis://host', handlers: folderWith(), ...wrong };
  const issues = await issuesOf(() =>
    resolveServerSettings(options as unknown as ServerOptions, machine),
  );
  assert.deepEqual(issues.map(({ name }) => name).sort(), Object.keys(wrong).sort());
});

test('handlers are required of a server', async () => {
  const issues = await issuesOf(() => resolveServerSettings({} as ServerOptions, machine));
  assert.deepEqual(
    issues.map(({ name, value }) => [name, value]),
    [['handlers', undefined]],
  );
});

test('every problem of every source is reported at once', async () => {
  const cwd = folderWith({
    'threadmill.config.mjs': 'export default { concurrenzy: 2, leaseDuration: 1, isFailure: 1 }',
  });
  const flags = { '--concurrency': 'x', '--quues': 'a' };
  const env = { CONCURRENCY: 'y', HTTP_PORT: 'z', REDIS_URL: 'nonsense' };
  const issues = await issuesOf(resolveServeSettings(input({ cwd, flags, env })));
  assert.deepEqual(issues.map(({ name }) => name).sort(), [
    '--concurrency',
    '--quues',
    'CONCURRENCY',
    'HTTP_PORT',
    'REDIS_URL',
    'concurrenzy in threadmill.config.mjs',
    'isFailure in threadmill.config.mjs',
    'leaseDuration in threadmill.config.mjs',
  ]);
});

test('an unknown option, flag or config key is answered with the nearest known one', async () => {
  const cwd = folderWith({ 'threadmill.config.mjs': 'export default { concurency: 2 }' });
  const options = {
    redis: 'redis://host',
    handlers: cwd,
    retryDelai: () => 1,
  } as unknown as ServerOptions;
  const accepts = [
    ...(await issuesOf(resolveServeSettings(input({ cwd, flags: { '--lease-durration': '1' } })))),
    ...(await issuesOf(() => resolveServerSettings(options, machine))),
    ...(await issuesOf(() => resolveClientSettings({ redi: 'x' } as object))),
  ].map((issue) => issue.accepts);
  assert.deepEqual(
    accepts.map((text) => /did you mean (.*)\?/.exec(text)?.[1]),
    ['--lease-duration', 'concurrency', 'retryDelay', 'redis'],
  );
});

test('settings of the command alone are no options of a server', async () => {
  const options = {
    redis: 'redis://host',
    handlers: folderWith(),
    httpPort: 1,
  } as unknown as ServerOptions;
  assert.deepEqual(
    (await issuesOf(() => resolveServerSettings(options, machine))).map(({ name }) => name),
    ['httpPort'],
  );
});

test("a Redis URL's password is never shown", async () => {
  const urls = [
    'redis://user:s3cret@host/zero',
    'redis://:s3c#ret@host',
    'redis://:x@s3cret@host/zero',
    'redis://:s3c%ret@host',
    'htp://u:s3cret@h',
    's3cret@host',
  ];
  for (const REDIS_URL of urls) {
    const [issue] = await issuesOf(resolveServeSettings(input({ env: { REDIS_URL } })));
    assert.doesNotMatch(JSON.stringify(issue), /s3c|ret@/);
  }
  const options = { redis: 'redis://h', handlers: folderWith(), redisUrl: 'redis://:s3cret@h' };
  const [issue] = await issuesOf(() => resolveServerSettings(options, machine));
  assert.deepEqual([issue?.name, issue?.value], ['redisUrl', 'redis://***@h']);
});
