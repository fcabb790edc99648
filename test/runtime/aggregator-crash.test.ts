import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { queueKeys } from '../../src/wire/keys.ts';
import { addToGroup } from '../helpers/groups.ts';
import { fixture, packageRoot } from '../helpers/paths.ts';
import { queueState } from '../helpers/queue-state.ts';
import { end } from '../helpers/redis.ts';
import { next, until, useFleet } from '../helpers/server.ts';
import { tempModules } from '../helpers/temp-modules.ts';

const fleet = await useFleet();
const { client } = fleet.redis;

test('a group whose server is killed in the middle is aggregated by another, and nothing is lost', async () => {
  const keys = queueKeys('q');
  const index = pathToFileURL(join(packageRoot, 'dist/src/index.js')).href;
  const folder = await tempModules({
    'handlers/hang.js': `export default {
      group: 'join:', aggregate: () => new Promise(() => undefined),
      [Symbol.for('threadmill.aggregator')]: true };`,
    'server.js': `import { Server } from ${JSON.stringify(index)};
      await new Server({ redis: ${JSON.stringify(fleet.redis.url)}, handlers: new URL('./handlers', import.meta.url),
        queues: ['q'], groupGracePeriod: 1000, logLevel: 'silent' }).start();`,
  });
  const ids = await addToGroup(client, 'join:crash', { queue: 'q', payloads: ['a', 'b', 'c'] });
  const child = spawn(process.execPath, [join(folder, 'server.js')], { stdio: 'ignore' });
  after(() => end(child, 'SIGKILL'));
  await until(async () => (await client.zcard(keys.aggregationSets)) === 1, 60_000);
  await end(child, 'SIGKILL');
  const staged = await queueState(client, 'q');
  assert.deepEqual([staged.groups, Object.keys(staged.tasks).sort()], [[], ids]);

  const server = fleet.make({
    handlers: fixture('aggregators'),
    queues: ['q'],
    groupGracePeriod: '1s',
    recoverInterval: 100,
    beforeLease: () => false,
  });
  const aggregated = next(server, 'aggregated');
  await server.start();
  const [set = ''] = await client.zrange(keys.aggregationSets, '0', '-1');
  await client.zadd(keys.aggregationSets, 1, set); // two minutes later
  assert.equal((await aggregated).count, 3);
  await until(async () => Object.keys((await queueState(client, 'q')).tasks).length === 1);
  const { pending, group, aggregationSets } = await queueState(client, 'q');
  assert.deepEqual([pending.length, group, aggregationSets], [1, {}, {}]);
});

test('an aggregate function whose set was reclaimed writes nothing', async () => {
  const keys = queueKeys('r');
  const server = fleet.make({
    handlers: fixture('aggregators'),
    queues: ['r'],
    groupGracePeriod: '1s',
    recoverInterval: 100,
    beforeLease: () => false,
  });
  const failed = next(server, 'aggregationFailed');
  const reclaimed = next(server, 'reclaimed');
  await addToGroup(client, 'act:slow', { queue: 'r', payloads: [{ ms: 1_500 }] });
  await server.start();
  await until(async () => (await client.zcard(keys.aggregationSets)) === 1);
  const [set = ''] = await client.zrange(keys.aggregationSets, '0', '-1');
  await client.zadd(keys.aggregationSets, 1, set);
  await reclaimed;
  assert.equal((await failed).reason, 'lease_lost');
  const { groups, group, pending, tasks } = await queueState(client, 'r');
  assert.deepEqual([groups, Object.keys(group), pending], [['act:slow'], ['act:slow'], []]);
  assert.equal(Object.keys(tasks).length, 1);
  await server.shutdown();
});
