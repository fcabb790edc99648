import assert from 'node:assert/strict';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { findServer, parseServerVersion } from '../../src/embedded/find-server.ts';
import { ensureServer } from '../../src/embedded/install-server.ts';
import {
  commandToType,
  planInstall,
  type SystemFacts,
} from '../../src/embedded/package-manager.ts';
import { useFolder } from './starters.ts';

function system(programs: string[], facts: Partial<SystemFacts> = {}): SystemFacts {
  const hasProgram = (name: string): boolean => programs.includes(name);
  return { platform: 'linux', isRoot: false, hasProgram, ...facts };
}

function fakeProgram(folder: string, name: string, script: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

test('Redis is new enough from 6.2, Valkey from 7.2', () => {
  const isNewEnough = (output: string, path = '/bin/redis-server'): boolean | undefined =>
    parseServerVersion(path, output)?.isNewEnough;
  assert.equal(isNewEnough('Redis server v=6.2.0 sha=00000000:0 malloc=libc bits=64'), true);
  assert.equal(isNewEnough('Redis server v=6.0.16 sha=00000000:0'), false);
  assert.equal(isNewEnough('Redis server v=7.0.15 sha=00000000:0'), true);
  assert.equal(isNewEnough('Valkey server v=7.2.0 sha=00000000:0'), true);
  assert.equal(isNewEnough('Valkey server v=7.1.9 sha=00000000:0'), false);
  assert.equal(isNewEnough('Server v=7.2.5 sha=00000000:0', '/bin/valkey-server'), true);
  assert.equal(isNewEnough('something else'), undefined);
});

test('a server that is too old is passed over for one further on in the search path', async () => {
  const [old, current] = [useFolder(), useFolder()];
  fakeProgram(old, 'redis-server', 'echo "Redis server v=5.0.7 sha=0"');
  const wanted = fakeProgram(current, 'valkey-server', 'echo "Valkey server v=8.1.0 sha=0"');
  const both = await findServer({ searchPath: [old, current].join(delimiter), folders: [] });
  assert.deepEqual(both, { path: wanted, product: 'Valkey', version: '8.1.0', isNewEnough: true });
  const onlyOld = await findServer({ searchPath: old, folders: [] });
  assert.equal(onlyOld?.isNewEnough, false);
  assert.equal(await findServer({ searchPath: '', folders: [] }), undefined);
});

test('without a server and without the right to install one, the error has the exact command to type', async () => {
  const cases: [SystemFacts, RegExp][] = [
    [system(['apt-get']), /sudo apt-get update && sudo apt-get install -y redis-server\n/],
    [system(['apk']), /sudo apk add redis\n/],
    [system(['dnf']), /sudo dnf install -y redis \|\| sudo dnf install -y valkey\n/],
    [system(['pacman'], { isRoot: true }), / pacman -S valkey\n/],
    [system(['brew'], { isRoot: true, platform: 'darwin' }), / brew install redis\n/],
    [system([], { platform: 'darwin' }), / brew install redis\n/],
    [system([]), /docker run .*redis:7/],
  ];
  for (const [facts, command] of cases) {
    assert.equal(planInstall(facts), undefined);
    const failing = ensureServer({ system: facts, find: async () => undefined });
    await assert.rejects(failing, { code: 'ERR_EMBEDDED_REDIS', message: command });
  }
});

test('a server that is too old is named in the error', async () => {
  const found = {
    path: '/x/redis-server',
    product: 'Redis',
    version: '5.0.7',
    isNewEnough: false,
  } as const;
  await assert.rejects(ensureServer({ system: system(['apt-get']), find: async () => found }), {
    message: /^Redis 5\.0\.7 at \/x\/redis-server is too old/,
  });
});

test('root installs with apt-get, apk or dnf, a user with brew, and nobody is asked', () => {
  for (const manager of ['apt-get', 'apk', 'dnf']) {
    assert.equal(planInstall(system([manager], { isRoot: true }))?.manager, manager);
  }
  assert.equal(planInstall(system(['brew'], { platform: 'darwin' }))?.manager, 'brew');
  assert.match(commandToType(system(['apt-get'], { isRoot: true })), /^apt-get update/);
});

test('the package manager runs step by step until a server is there, said in one line', async (t) => {
  const folder = useFolder();
  const calls = join(folder, 'calls');
  fakeProgram(folder, 'apt-get', `echo "$DEBIAN_FRONTEND $*" >>'${calls}'`);
  const path = process.env['PATH'];
  process.env['PATH'] = `${folder}${delimiter}${path}`;
  t.after(() => {
    process.env['PATH'] = path;
  });
  const lines: string[] = [];
  let looks = 0;
  const server = {
    path: '/x/redis-server',
    product: 'Redis',
    version: '7.0.0',
    isNewEnough: true,
  } as const;
  const found = await ensureServer({
    onInstall: (line) => lines.push(line),
    system: system(['apt-get'], { isRoot: true }),
    find: async () => (++looks > 3 ? server : undefined), // there after the third command
  });
  assert.equal(found, server);
  assert.deepEqual(lines, ['No Redis server on this machine: installing one with apt-get.']);
  const steps = readFileSync(calls, 'utf8').trim().split('\n');
  assert.equal(steps.length, 3);
  assert.match(
    steps[0] ?? '',
    /^noninteractive .*install -y --no-install-recommends redis-server$/,
  );
  assert.match(steps[1] ?? '', /update/);
});

test('a package manager that fails is an error with its output', async (t) => {
  const folder = useFolder();
  fakeProgram(folder, 'apk', 'echo "ERROR: unable to select packages" >&2; exit 1');
  const path = process.env['PATH'];
  process.env['PATH'] = `${folder}${delimiter}${path}`;
  t.after(() => {
    process.env['PATH'] = path;
  });
  const failing = ensureServer({
    system: system(['apk'], { isRoot: true }),
    find: async () => undefined,
  });
  await assert.rejects(failing, { message: /apk add redis[^]*unable to select packages/ });
});
