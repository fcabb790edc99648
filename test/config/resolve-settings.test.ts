import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  bundledHandlers,
  resolveEnqueueSettings,
  resolveServerSettings,
  resolveServeSettings,
} from '../../src/config.ts';
import type { AnySetting, SettingName } from '../../src/config/setting.ts';
import { SETTINGS } from '../../src/config/settings-table.ts';
import { folderWith, input, issuesOf, machine } from './config-input.ts';

test('flags override the environment, which overrides the config file, which overrides defaults', async () => {
  const text =
    'export default { tasksPerThread: 2, cancelGrace: "3s", pollInterval: 77, queues: { a: 2 } }';
  const cwd = folderWith({ 'threadmill.config.mjs': text });
  const env = { CANCEL_GRACE: '4s', POLL_INTERVAL: '88' };
  const settings = await resolveServeSettings(
    input({ cwd, env, flags: { '--poll-interval': '99' } }),
  );
  assert.equal(settings.pollIntervalMs, 99);
  assert.equal(settings.cancelGraceMs, 4000);
  assert.equal(settings.tasksPerThread, 2);
  assert.deepEqual(settings.queues, { a: 2 });
  assert.equal(settings.shutdownTimeoutMs, 8000);
  assert.equal(settings.configFile, 'threadmill.config.mjs');
});

test('an empty variable is one that is not set', async () => {
  const env = Object.fromEntries(SETTINGS.map((setting) => [setting.env, '']));
  const settings = await resolveServeSettings(input({ env }));
  assert.equal(settings.concurrency, 4);
  assert.equal(settings.redis, undefined);
});

test('every variable is understood', async () => {
  const cwd = folderWith({ 'mine/a.js': '', 'more/b.js': '', 'mw.js': '' });
  const env = {
    REDIS_URL: 'redis://user:pass@host:6380/2',
    HANDLERS: 'mine,./more',
    MIDDLEWARE: 'mw.js',
    CONCURRENCY: '7',
    TASKS_PER_THREAD: '2',
    QUEUES: 'critical=6, default=3,low',
    STRICT_PRIORITY: 'yes',
    SHUTDOWN_TIMEOUT: '1m',
    CANCEL_GRACE: '1500',
    LEASE_DURATION: '1m30s',
    MAX_RETRY_DELAY: '12h',
    MAX_PAYLOAD_SIZE: '1000',
    MAX_OLD_GENERATION_MB: '256',
    MAX_TASK_MEMORY_MB: '128',
    MAX_CRASHES: '5',
    RECYCLE: 'tasks=1000, rss=512,age=1h30m',
    PROCESSES: '3',
    CONNECT_TIMEOUT: '2s',
    POLL_INTERVAL: '10',
    FORWARD_INTERVAL: '1s',
    JANITOR_INTERVAL: '9s',
    RECOVER_INTERVAL: '11s',
    HEARTBEAT_INTERVAL: '4s',
    HEALTH_INTERVAL: '3s',
    GROUP_GRACE_PERIOD: '90s',
    GROUP_MAX_DELAY: '10m',
    GROUP_MAX_SIZE: '50',
    LOG_LEVEL: 'WARN',
    LOG_PRETTY: 'true',
    HTTP_HOST: '0.0.0.0',
    HTTP_PORT: 'off',
    QUEUE_METRICS: 'critical,other',
  };
  assert.deepEqual(Object.keys(env).sort(), SETTINGS.map((setting) => setting.env).sort());
  const { serverOptions: _, ...settings } = await resolveServeSettings(input({ cwd, env }));
  assert.deepEqual(settings, {
    redis: env.REDIS_URL,
    redisUrl: env.REDIS_URL,
    handlers: [join(cwd, 'mine'), join(cwd, 'more')],
    handlersSource: 'set by HANDLERS',
    middleware: [join(cwd, 'mw.js')],
    concurrency: 7,
    tasksPerThread: 2,
    threads: 4,
    concurrencySource: 'set by CONCURRENCY',
    queues: { critical: 6, default: 3, low: 1 },
    strictPriority: true,
    shutdownTimeoutMs: 60_000,
    cancelGraceMs: 1500,
    leaseDurationMs: 90_000,
    maxRetryDelayMs: 43_200_000,
    maxPayloadSize: 1000,
    maxOldGenerationMb: 256,
    maxTaskMemoryMb: 128,
    maxCrashes: 5,
    recycle: { tasks: 1000, rssBytes: 536_870_912, ageMs: 5_400_000 },
    processes: 3,
    connectTimeoutMs: 2000,
    pollIntervalMs: 10,
    forwardIntervalMs: 1000,
    janitorIntervalMs: 9000,
    recoverIntervalMs: 11_000,
    heartbeatIntervalMs: 4000,
    healthIntervalMs: 3000,
    groups: { graceMs: 90_000, maxDelayMs: 600_000, maxSize: 50 },
    logLevel: 'warn',
    logPretty: true,
    httpHost: '0.0.0.0',
    httpPort: 'off',
    isHttpPortChosen: true,
    queueMetrics: ['critical', 'other'],
  });
});

test('native values mean what their text means', () => {
  const handlers = folderWith();
  const settings = resolveServerSettings(
    {
      redis: { host: 'h' },
      handlers: [handlers],
      queues: ['a', 'b'],
      leaseDuration: 20_000,
      maxRetryDelay: '1h30m',
      recycle: { tasks: 10, age: '2m' },
    },
    machine,
  );
  assert.deepEqual(settings.queues, { a: 1, b: 1 });
  assert.deepEqual(settings.handlers, [handlers]);
  assert.equal(settings.leaseDurationMs, 20_000);
  assert.equal(settings.maxRetryDelayMs, 5_400_000);
  assert.deepEqual(settings.recycle, { tasks: 10, ageMs: 120_000 });
});

test('the default of concurrency is the usable cores times tasks per thread, and says so', () => {
  const files: Record<string, string> = {
    '/proc/self/cgroup': '0::/\n',
    '/sys/fs/cgroup/cpu.max': '150000 100000\n',
  };
  const limited = { availableParallelism: 8, readText: (path: string) => files[path] };
  const settings = resolveServerSettings(
    { redis: 'redis://h', handlers: folderWith(), tasksPerThread: 3 },
    limited,
  );
  assert.equal(settings.concurrency, 6);
  assert.equal(settings.threads, 2);
  assert.equal(
    settings.concurrencySource,
    '2 cores x 3 tasks per thread (cgroup quota of 1.5 CPUs)',
  );
});

test('settings are frozen through and through', async () => {
  const settings = await resolveServeSettings(input({ env: { QUEUES: 'a,b' } }));
  for (const value of [
    settings,
    settings.queues,
    settings.handlers,
    settings.middleware,
    settings.serverOptions,
  ]) {
    assert.ok(Object.isFrozen(value));
  }
});

test('without HANDLERS ./handlers is used if it is there, else the bundled ones, and both are said', async () => {
  const own = folderWith({ 'handlers/a.js': '' });
  const withOwn = await resolveServeSettings(input({ cwd: own }));
  assert.deepEqual(
    [withOwn.handlers, withOwn.handlersSource],
    [[join(own, 'handlers')], './handlers'],
  );
  const without = await resolveServeSettings(input());
  assert.deepEqual(without.handlers, [bundledHandlers()]);
  assert.match(without.handlersSource, /bundled/);
});

test('a server made of the options of serve works by the same settings', async () => {
  const cwd = folderWith({
    'threadmill.config.mjs': 'export default { isFailure: () => false, logLevel: "warn" }',
  });
  const env = { CONCURRENCY: '3', QUEUES: 'a=2', LEASE_DURATION: '20s' };
  const { serverOptions, ...serve } = await resolveServeSettings(input({ cwd, env }));
  const server = resolveServerSettings({ ...serverOptions, redis: 'redis://h' }, machine);
  for (const [name, value] of Object.entries(server)) {
    assert.deepEqual(Reflect.get(serve, name), value, name);
  }
  assert.equal(serverOptions.isFailure?.(new Error('x')), false);
});

test('paths of a config file are seen from its folder', async () => {
  const cwd = folderWith({
    'conf/my.mjs': 'export default { handlers: "work" }',
    'conf/work/a.js': '',
  });
  const settings = await resolveServeSettings(input({ cwd, configFile: 'conf/my.mjs' }));
  assert.deepEqual(settings.handlers, [join(cwd, 'conf', 'work')]);
});

test('a config file that does not load or exports no object is named with the reason', async () => {
  const broken = folderWith({ 'threadmill.config.mjs': 'throw new Error("sad")' });
  const [loading] = await issuesOf(resolveServeSettings(input({ cwd: broken })));
  assert.deepEqual([loading?.name, loading?.value], ['config file threadmill.config.mjs', 'sad']);
  const wrong = folderWith({ 'threadmill.config.mjs': 'export default 5' });
  const [exporting] = await issuesOf(
    resolveServeSettings(input({ cwd: wrong, env: { CONCURRENCY: '1' } })),
  );
  assert.match(exporting?.accepts ?? '', /default export is an object/);
  const [missing] = await issuesOf(resolveServeSettings(input({ configFile: 'nope.mjs' })));
  assert.equal(missing?.name, 'config file nope.mjs');
});

test('a TypeScript config file is read where Node strips types, and refused with the reason elsewhere', async () => {
  const cwd = folderWith({
    'threadmill.config.ts': 'const n: number = 3; export default { concurrency: n }',
  });
  const strips =
    (process.features as { readonly typescript?: unknown }).typescript !== undefined &&
    (process.features as { readonly typescript?: unknown }).typescript !== false;
  if (strips) {
    assert.equal((await resolveServeSettings(input({ cwd }))).concurrency, 3);
  } else {
    const [issue] = await issuesOf(resolveServeSettings(input({ cwd })));
    assert.match(issue?.accepts ?? '', /does not strip types/);
  }
});

test('a config file of Redis options is passed on as it is', async () => {
  const cwd = folderWith({
    'threadmill.config.mjs': 'export default { redis: { host: "h", port: 1 } }',
  });
  const settings = await resolveServeSettings(input({ cwd }));
  assert.deepEqual(settings.redis, { host: 'h', port: 1 });
  assert.equal(settings.redisUrl, undefined);
});

test('enqueue looks at the settings of a client only', async () => {
  const env = { REDIS_URL: 'redis://h', CONCURRENCY: 'wrong', CONNECT_TIMEOUT: '1s' };
  assert.deepEqual(await resolveEnqueueSettings(input({ env })), {
    redis: 'redis://h',
    redisUrl: 'redis://h',
    connectTimeoutMs: 1000,
    maxPayloadSize: 16_777_216,
  });
});

test('variables and flags follow from option names', () => {
  const named = (option: SettingName): AnySetting | undefined =>
    SETTINGS.find((setting) => setting.option === option);
  assert.equal(named('maxOldGenerationMb')?.env, 'MAX_OLD_GENERATION_MB');
  assert.equal(named('maxOldGenerationMb')?.flag, '--max-old-generation-mb');
  for (const key of ['option', 'env', 'flag'] as const) {
    assert.equal(new Set(SETTINGS.map((setting) => setting[key])).size, SETTINGS.length);
  }
});

test('every form of a Redis URL is taken, with a login too', async () => {
  const urls = [
    'redis://user:pw@host:6379/1',
    'rediss://user:pw@host',
    'redis-socket://user:pw@/run/redis.sock?db=1',
    'unix:///run/redis.sock',
    'redis-sentinel://user:pw@h1:26379,h2/1?master=m&username=u&password=p',
    'rediss-sentinel://h1?master=m',
    'redis-cluster://user:pw@h1:7000,h2',
    'rediss-cluster://h1',
  ];
  for (const REDIS_URL of urls) {
    const settings = await resolveServeSettings(input({ env: { REDIS_URL } }));
    assert.equal(settings.redis, REDIS_URL);
  }
});
