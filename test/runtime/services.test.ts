import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ActiveTasks } from '../../src/runtime/active-tasks.ts';
import { canceler } from '../../src/runtime/canceler.ts';
import { ServerEmitter } from '../../src/runtime/emitter.ts';
import { every } from '../../src/runtime/every.ts';
import { Health } from '../../src/runtime/health.ts';
import { Heartbeat, hostName, identify } from '../../src/runtime/heartbeat.ts';
import { BegunNotes } from '../../src/runtime/begun-notes.ts';
import { deadServers } from '../../src/runtime/dead-servers.ts';
import { Fence } from '../../src/runtime/fence.ts';
import { LostLeases } from '../../src/runtime/lost-leases.ts';
import { ownPlace } from '../../src/runtime/process-place.ts';
import { LeaseKeeper } from '../../src/runtime/lease-keeper.ts';
import { Recoverer } from '../../src/runtime/recoverer.ts';
import type { Service } from '../../src/runtime/service.ts';
import { startServices, stopServices } from '../../src/runtime/services.ts';
import { forwarder, janitor } from '../../src/runtime/upkeep.ts';
import { systemClock } from '../../src/clock.ts';
import { createRedisBroker } from '../../src/broker/redis-broker.ts';
import { createRegistry } from '../../src/threads/registry.ts';
import { useRedis } from '../helpers/redis.ts';
import { stressStartStop } from '../helpers/stress-start-stop.ts';
import { until } from '../helpers/server.ts';

const redis = await useRedis();

function recorder(name: string, log: string[]): Service {
  return {
    name,
    start: () => void log.push(`start ${name}`),
    stop: () => void log.push(`stop ${name}`),
  };
}

test('services start in order and stop in reverse', async () => {
  const log: string[] = [];
  const services = ['a', 'b', 'c'].map((name) => recorder(name, log));
  await startServices(services);
  assert.deepEqual(await stopServices(services, 1_000), []);
  assert.deepEqual(log, ['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a']);
});

test('a service that does not stop in time, or fails to, keeps none of the others from stopping', async () => {
  const log: string[] = [];
  const stuck: Service = {
    name: 'stuck',
    start: () => undefined,
    stop: () => new Promise(() => {}),
  };
  const failing: Service = {
    name: 'failing',
    start: () => undefined,
    stop: () => Promise.reject(new Error('no')),
  };
  const faults = await stopServices([recorder('last', log), stuck, failing], 50);
  assert.deepEqual(
    faults.map(({ where, error }) => [where, error.message]),
    [
      ['stop of failing', 'no'],
      ['stop of stuck', 'not stopped in time'],
    ],
  );
  assert.deepEqual(log, ['stop last']);
});

test('every() never overlaps its passes, survives a failing one, and waits for a running one at stop', async () => {
  let running = 0;
  let passes = 0;
  const faults: unknown[] = [];
  const loop = every({
    name: 'loop',
    intervalMs: 1,
    isImmediate: true,
    run: async () => {
      running += 1;
      assert.equal(running, 1);
      await new Promise((resolve) => {
        setTimeout(resolve, 5);
      });
      running -= 1;
      passes += 1;
      if (passes === 2) throw new Error('second');
    },
    onFault: (where, error) => faults.push([where, String(error)]),
  });
  await loop.start();
  assert.equal(passes, 1);
  await until(() => passes >= 4);
  const stopping = loop.stop();
  await stopping;
  assert.equal(running, 0);
  assert.deepEqual(faults, [['loop', 'Error: second']]);
});

test('every service keeps the contract of start and stop', async () => {
  const broker = createRedisBroker({ redis: redis.url, connectTimeoutMs: 1_000 });
  const emitter = new ServerEmitter();
  const faults: unknown[] = [];
  emitter.on('fault', (fault) => faults.push(fault));
  const active = new ActiveTasks();
  const stopper = { stop: () => undefined };
  const onFault = (where: string, error: unknown): void => emitter.fault(where, error);
  const shared = { broker, active, emitter, clock: systemClock, onFault, intervalMs: 5 };
  const queues = ['q'];
  const hooks = { isFailure: () => true, retryDelay: () => 0 };
  const rules = { queues, hooks, registry: createRegistry([]) };
  const notes = new BegunNotes(() => performance.now());
  const services: Service[] = [
    forwarder({ ...shared, queues, onMoved: () => undefined }),
    janitor({ ...shared, queues }),
    new Recoverer({ ...shared, ...rules }),
    deadServers({ ...shared, ...rules, host: hostName(), place: ownPlace(false) }),
    new LostLeases({ ...shared, serverId: 'id', leaseDurationMs: 10_000 }),
    new Fence({ ...shared, stopper, cancelGraceMs: 10 }),
    canceler({ ...shared, stopper }),
    new LeaseKeeper({ ...shared, stopper, notes, serverName: 'id', leaseDurationMs: 10_000 }),
    new Health({ ...shared, queues }),
    new Heartbeat({
      ...shared,
      identity: identify('id', false),
      queues: { q: 1 },
      strictPriority: false,
      concurrency: 1,
      status: () => 'active',
    }),
  ];
  for (const service of services) await stressStartStop(service);
  assert.deepEqual(faults, []);
  await broker.close();
});

test('a listener that throws or rejects is a fault, and the others still hear', async () => {
  const emitter = new ServerEmitter();
  const heard: string[] = [];
  const faults: string[] = [];
  emitter.on('fault', ({ where, error }) => faults.push(`${where}: ${error.message}`));
  emitter.on('dropped', () => {
    throw new Error('one');
  });
  emitter.on('dropped', (): void => Promise.reject(new Error('two')) as unknown as undefined);
  emitter.on('dropped', ({ taskId }) => void heard.push(taskId));
  emitter.emit('dropped', { queue: 'q', taskId: 'x' });
  await until(() => faults.length === 2);
  assert.deepEqual(heard, ['x']);
  assert.deepEqual(faults, ["listener of 'dropped': one", "listener of 'dropped': two"]);
});
