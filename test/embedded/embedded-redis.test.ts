import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { socketPathOf } from '../../src/embedded/address.ts';
import { sharedRedisUrl, startEmbeddedRedis } from '../../src/embedded/embedded-redis.ts';
import { askToShutDown, ping } from '../../src/embedded/ping.ts';
import { processesOf, spawnStarter, until, useFolder } from './starters.ts';

async function withClient<T>(socket: string, use: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis({ path: socket });
  try {
    return await use(client);
  } finally {
    client.disconnect();
  }
}

const isGone = async (socket: string): Promise<boolean> => (await ping(socket)) === 'away';

test('a private server answers on its socket, writes nothing, and leaves nothing when it stops', async () => {
  const redis = await startEmbeddedRedis({ persistent: false });
  const root = dirname(dirname(redis.socket));
  assert.equal(socketPathOf(redis.url), redis.socket);
  assert.ok(root.startsWith(tmpdir()));
  assert.equal(statSync(root).mode & 0o777, 0o700);
  await withClient(redis.socket, async (client) => {
    assert.deepEqual(await client.config('GET', 'appendonly'), ['appendonly', 'no']);
    assert.deepEqual(await client.config('GET', 'save'), ['save', '']);
    assert.deepEqual(await client.config('GET', 'maxmemory-policy'), [
      'maxmemory-policy',
      'noeviction',
    ]);
    assert.deepEqual(await client.config('GET', 'port'), ['port', '0']);
  });
  await Promise.all([redis.stop(), redis.stop()]);
  assert.equal(existsSync(root), false);
  assert.deepEqual(processesOf(root), []);
});

test('a private server and its folder are gone after kill -9 of its only parent', async () => {
  const { said, kill } = await spawnStarter({ persistent: false });
  const root = dirname(dirname(said.socket));
  assert.equal(await ping(said.socket), 'ready');
  await kill();
  await until('the folder is removed', () => !existsSync(root));
  await until('no process is left', () => processesOf(root).length === 0);
});

test('data survive stop and start in a persistent folder, also one with an odd name', async () => {
  const folder = join(useFolder(), 'odd "näme\' $HOME #1%20\\x');
  const first = await startEmbeddedRedis({ persistent: true, folder });
  await withClient(first.socket, async (client) => {
    assert.deepEqual(await client.config('GET', 'appendfsync'), ['appendfsync', 'everysec']);
    await client.set('kept', 'yes');
  });
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  assert.equal(statSync(first.socket).mode & 0o077, 0);
  await first.stop();
  assert.ok(await isGone(first.socket));
  const log = readFileSync(join(folder, 'run-1', 'redis.log'), 'utf8');
  assert.match(log, /Received SIGTERM/, 'it ended in good order');
  const second = await startEmbeddedRedis({ persistent: true, folder });
  assert.equal(await withClient(second.socket, (client) => client.get('kept')), 'yes');
  assert.deepEqual(readdirSync(folder).filter((name) => name.startsWith('run-')).length, 1);
  await second.stop();
});

test('two processes share one server, and the last one to stop ends it', async () => {
  const folder = useFolder();
  const [first, second] = [
    await spawnStarter({ persistent: true, folder }),
    await spawnStarter({ persistent: true, folder }),
  ];
  assert.equal(first.said.url, second.said.url);
  await first.stop();
  assert.equal(await ping(second.said.socket), 'ready');
  await second.stop();
  assert.ok(await isGone(second.said.socket));
  assert.deepEqual(processesOf(folder), []);
});

test('kill -9 of one of two leaves the server to the other, that of both ends it', async () => {
  const folder = useFolder();
  const first = await spawnStarter({ persistent: true, folder });
  const second = await spawnStarter({ persistent: true, folder });
  await first.kill();
  const third = await spawnStarter({ persistent: true, folder });
  assert.equal(third.said.url, second.said.url);
  await second.kill();
  assert.equal(await ping(third.said.socket), 'ready');
  await third.kill();
  await until('no process is left', () => processesOf(folder).length === 0);
  assert.equal(existsSync(join(folder, 'url')), false);
});

test('of several processes that start at once one starts the server, also over the remains of a killed run', async () => {
  const folder = useFolder();
  for (let round = 0; round < 3; round++) {
    const starters = await Promise.all(
      [1, 2, 3].map(() => spawnStarter({ persistent: true, folder })),
    );
    assert.equal(
      new Set(starters.map(({ said }) => said.url)).size,
      1,
      JSON.stringify(starters.map((s) => s.said)),
    );
    const servers = processesOf(folder).filter(({ command }) => !command.includes('mkfifo'));
    assert.equal(servers.length, 1, JSON.stringify(servers));
    await Promise.all(starters.map((starter) => starter.kill()));
    // The next round meets this one while it is still ending.
  }
  await until('no process is left', () => processesOf(folder).length === 0);
});

test('after kill -9 of everything the remains are no hindrance and no address', async () => {
  const cwd = useFolder();
  const folder = join(cwd, '.threadmill', 'redis');
  const starter = await spawnStarter({ persistent: true, folder });
  await withClient(starter.said.socket, (client) => client.set('kept', 'yes'));
  const rest = processesOf(folder);
  const isScript = ({ command }: { command: string }): boolean => command.includes('mkfifo');
  const [scripts, servers] = [rest.filter(isScript), rest.filter((found) => !isScript(found))];
  assert.ok(scripts.length > 0 && servers.length === 1);
  // The scripts first: they would tidy up after the server.
  for (const { pid } of [...scripts, ...servers]) process.kill(pid, 'SIGKILL');
  await starter.kill();
  await until('all are gone', () => processesOf(folder).length === 0);
  assert.ok(existsSync(join(folder, 'url')), 'the address still lies there');
  assert.equal(sharedRedisUrl(cwd), undefined);
  const redis = await startEmbeddedRedis({ persistent: true, folder });
  assert.equal(sharedRedisUrl(cwd), redis.url);
  assert.equal(await withClient(redis.socket, (client) => client.get('kept')), 'yes');
  await redis.stop();
  assert.equal(sharedRedisUrl(cwd), undefined);
});

test('a server that lost its watch script is ended before another one opens its data', async () => {
  const folder = useFolder();
  const starter = await spawnStarter({ persistent: true, folder });
  await withClient(starter.said.socket, (client) => client.set('kept', 'yes'));
  const scripts = processesOf(folder).filter(({ command }) => command.includes('mkfifo'));
  for (const { pid } of scripts) process.kill(pid, 'SIGKILL');
  await starter.kill();
  assert.equal(await ping(starter.said.socket), 'ready');
  const redis = await startEmbeddedRedis({ persistent: true, folder });
  assert.notEqual(redis.url, starter.said.url);
  assert.ok(await isGone(starter.said.socket));
  assert.equal(await withClient(redis.socket, (client) => client.get('kept')), 'yes');
  await redis.stop();
});

test('a server that ends by itself takes its watch script along, and stop still resolves', async () => {
  const redis = await startEmbeddedRedis({ persistent: false });
  const root = dirname(dirname(redis.socket));
  await askToShutDown(redis.socket, 5000);
  await until('no process is left', () => processesOf(root).length === 0);
  await redis.stop();
  assert.equal(existsSync(root), false);
});

test('a folder whose path is too long for a socket gets it under the temporary folder', async () => {
  const folder = join(useFolder(), 'l'.repeat(90));
  const redis = await startEmbeddedRedis({ persistent: true, folder });
  assert.ok(redis.socket.startsWith(tmpdir()) && redis.socket.length < 100);
  const second = await spawnStarter({ persistent: true, folder });
  assert.equal(second.said.url, redis.url);
  await second.stop();
  await redis.stop();
  assert.equal(existsSync(dirname(redis.socket)), false);
});

test('a server that does not start is an error with the last lines of its log', async () => {
  const folder = useFolder();
  mkdirSync(join(folder, 'appendonlydir'));
  writeFileSync(join(folder, 'appendonlydir', 'appendonly.aof.manifest'), 'no manifest\n');
  writeFileSync(join(folder, 'appendonly.aof'), 'no append-only file\n');
  const failing = startEmbeddedRedis({ persistent: true, folder });
  await assert.rejects(failing, {
    code: 'ERR_EMBEDDED_REDIS',
    message: /ended before it answered:\n[^]*(manifest|append only file)/i,
  });
  assert.deepEqual(processesOf(folder), []);
});

test('a program that is no server is an error that shows what it said', async () => {
  const program = join(useFolder(), 'redis-server');
  writeFileSync(program, '#!/bin/sh\necho "cannot load libssl" >&2\nexit 127\n');
  chmodSync(program, 0o755);
  const failing = startEmbeddedRedis({ persistent: false, serverPath: program });
  await assert.rejects(failing, { message: /ended before it answered:\n {4}cannot load libssl/ });
});

test('without any PATH the server is found where systems put it, and its script still runs', async () => {
  const { said, stop } = await spawnStarter({ persistent: false }, { PATH: '' });
  assert.equal(said.error, undefined);
  await stop();
});

test('the address is not there before the server answers', async () => {
  const cwd = useFolder();
  const starting = startEmbeddedRedis({
    persistent: true,
    folder: join(cwd, '.threadmill', 'redis'),
  });
  let url: string | undefined;
  await until('an address is there', () => {
    url = sharedRedisUrl(cwd);
    return url !== undefined;
  });
  assert.equal(await ping(socketPathOf(url ?? '') ?? ''), 'ready');
  const redis = await starting;
  assert.equal(readFileSync(join(cwd, '.threadmill', 'redis', 'url'), 'utf8').trim(), redis.url);
  await redis.stop();
});
