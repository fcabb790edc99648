/** Runs no-op tasks in a process of its own, and tells what memory it holds whenever it has come to rest. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Server } from '../../src/index.ts';
import { openProbe } from '../redis-probe.ts';
import { fillQueue } from '../work/fill-queue.ts';
import type { RssPlan, RssSample } from './messages.ts';

/** Collections: what a finalizer frees goes with the next one. */
const COLLECTIONS = 3;
/** Redis is given so many tasks at once. */
const CHUNK = 25_000;

const plan = JSON.parse(process.argv[2] ?? '') as RssPlan;
const endsAt = performance.now() + plan.limitMs;
const redis = openProbe(plan.redisUrl);
const server = new Server({
  redis: plan.redisUrl,
  handlers: plan.handlers,
  queues: { [plan.queue]: 1 },
  concurrency: plan.threads * 8,
  tasksPerThread: 8,
  logLevel: 'silent',
});
let settled = 0;
let aim: { readonly tasks: number; reach(): void } | undefined;
server.on('succeeded', () => {
  settled += 1;
  if (settled === aim?.tasks) aim.reach();
});
server.on('failed', ({ error }) => fail(error));
server.on('fault', ({ error }) => fail(error));

await server.start();
let tasks = 0;
await rest();
for (let looks = 0; tasks < plan.count && mayGoOn(looks); looks++) {
  const next = Math.min(tasks + plan.step, plan.count);
  for (; tasks < next; tasks += CHUNK) await run('noop', Math.min(CHUNK, next - tasks), tasks);
  tasks = next;
  await rest();
  tell({ tasks, ...memory() });
}
await server.shutdown();
redis.disconnect();
process.disconnect();

/** A busy machine takes longer: without some looks nothing can be said. */
function mayGoOn(looks: number): boolean {
  return looks < plan.fewest || performance.now() < endsAt;
}

/** Stores tasks and waits until they are settled. */
async function run(type: string, count: number, first: number): Promise<void> {
  const reached = new Promise<void>((resolve) => {
    aim = { tasks: settled + count, reach: resolve };
  });
  const payload = Buffer.from('{"turns":0}');
  await fillQueue(redis, { queue: plan.queue, state: 'pending', type, payload, count, first });
  await reached;
}

/** Every thread collects its garbage, then this one. */
async function rest(): Promise<void> {
  for (let round = 0; round < COLLECTIONS; round++) {
    await run('collect', plan.threads * 8, 0);
    globalThis.gc?.();
    await sleep(50);
  }
}

function memory(): Omit<RssSample, 'tasks'> {
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rssBytes: rss, heapBytes: heapUsed, externalBytes: external };
}

function tell(sample: RssSample): void {
  process.send?.(sample);
}

function fail(error: unknown): void {
  process.stderr.write(`${String(error)}\n`);
  process.exit(1);
}
