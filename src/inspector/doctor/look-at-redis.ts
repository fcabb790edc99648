/** Looks at Redis itself; in a Cluster, at each server that has queues. */
import { RedisReplyError, UnsupportedRedisError } from '../../errors.ts';
import type { Finding } from '../../policy/doctor/finding.ts';
import {
  type ClockSample,
  judgeClock,
  judgeEviction,
  judgeLatency,
  judgeMemory,
  judgePersistence,
  judgeRole,
  judgeVersion,
} from '../../policy/doctor/judge-redis.ts';
import type { Looking } from './looking.ts';

/** Questions by which clock and latency are judged. */
const SAMPLES = 20;
/** A queue that need not exist: it leads to some server where there are no queues yet. */
const NO_QUEUE = 'default';

/** Notes findings on every server. */
export async function lookAtRedis(looking: Looking, queues: readonly string[]): Promise<void> {
  const { health } = looking.broker;
  looking.step({ step: 'redis', seen: 0 });
  await looking.attempt(['redis-version'], () => lookAtVersion(looking));
  const nodes = await health.nodes(queues.length === 0 ? [NO_QUEUE] : queues);
  for (const { node, queue } of nodes) {
    looking.step({ step: 'redis', seen: 0 });
    await lookAtNode(looking, queue, nodes.length > 1 ? { node } : {});
  }
}

async function lookAtVersion({ broker, findings }: Looking): Promise<void> {
  try {
    const { product, version } = await broker.check();
    findings.push(judgeVersion(product, version));
  } catch (error) {
    if (!(error instanceof UnsupportedRedisError)) throw error;
    findings.push(judgeVersion('', '', error.message));
  }
}

async function lookAtNode(
  looking: Looking,
  queue: string,
  where: { node?: string },
): Promise<void> {
  const { findings, broker } = looking;
  const add = (finding: Finding): void => void findings.push({ ...finding, ...where });
  const fromInfo = ['redis-role', 'eviction-policy', 'memory', 'persistence'] as const;
  await looking.attempt(
    fromInfo,
    async () => {
      const fields = await broker.health.info(queue);
      add(judgeRole(fields));
      add(judgeEviction(fields));
      add(judgeMemory(fields));
      add(judgePersistence(fields, await saveSetting(looking, queue)));
    },
    where,
  );
  await looking.attempt(
    ['clock-skew', 'latency'],
    async () => {
      const samples = await askTime(looking, queue);
      add(judgeClock(samples));
      add(judgeLatency(samples));
    },
    where,
  );
}

/** `undefined` where Redis does not let itself be asked: hosted ones forbid `CONFIG`. */
async function saveSetting({ broker }: Looking, queue: string): Promise<string | undefined> {
  try {
    return await broker.health.saveSetting(queue);
  } catch (error) {
    if (error instanceof RedisReplyError) return undefined;
    throw error;
  }
}

async function askTime({ broker }: Looking, queue: string): Promise<ClockSample[]> {
  await broker.health.time(queue); // the first question may wait for the connection
  const samples: ClockSample[] = [];
  for (let i = 0; i < SAMPLES; i++) {
    const begin = performance.now();
    const redisAt = await broker.health.time(queue);
    const tookMs = performance.now() - begin;
    const answeredAt = Date.now();
    samples.push({ askedAt: answeredAt - tookMs, answeredAt, redisAt });
  }
  return samples;
}
