import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HandlerLoadError, ServerStateError } from '../../src/index.ts';
import { givenTimeOf } from '../helpers/given-time.ts';
import { fixture } from '../helpers/paths.ts';
import { swallowingProxy } from '../helpers/proxy.ts';
import { recordingLogger, until, useFleet } from '../helpers/server.ts';

const fleet = await useFleet();
const { redis } = fleet;

async function connections(): Promise<string[]> {
  return String(await redis.client.client('LIST'))
    .trim()
    .split('\n');
}

/** How far a start has come when it is cut short. */
const INSTANTS: Readonly<Record<string, (before: number) => Promise<boolean>>> = {
  'at once': async () => true,
  'while handlers are loaded': async (before) => (await connections()).length > before,
  'while services start': async () => (await connections()).some((line) => / sub=1 /.test(line)),
};

for (const [instant, hasCome] of Object.entries(INSTANTS)) {
  test(`a shutdown during the start, ${instant}, leaves nothing running`, async () => {
    const proxy = await swallowingProxy(redis.socket);
    proxy.delay(40); // no step is over before it has been seen
    const before = (await connections()).length;
    const server = fleet.make({ redis: proxy.url });
    const rejected = assert.rejects(server.start(), ServerStateError);
    await until(() => hasCome(before));
    await server.shutdown();
    await rejected;
    assert.equal(server.status, 'closed');
    assert.equal(server.snapshot().threadsReady, 0);
    await until(async () => (await connections()).length === before);
    await proxy.close();
  });
}

test('a shutdown after a failed start has nothing to do', async () => {
  const { logger, records } = recordingLogger();
  const server = fleet.make({ handlers: fixture('broken-handlers'), logger });
  await assert.rejects(server.start(), HandlerLoadError);
  await server.shutdown();
  assert.deepEqual(
    records.filter(({ msg }) => msg.startsWith('shut')),
    [],
  );
});

test('a shutdown keeps its time when Redis has stopped to answer', async () => {
  const proxy = await swallowingProxy(redis.socket);
  const server = await fleet.start({ redis: `redis-socket://${proxy.socket}` });
  proxy.swallowReplies();
  const took = await givenTimeOf(() => server.shutdown());
  assert.ok(took < 2_300, `${took} ms`); // shutdownTimeout + cancelGrace + 1 s
  await proxy.close();
});
