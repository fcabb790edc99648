import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Client, Inspector } from '../../src/index.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { useCluster } from '../helpers/redis-cluster.ts';

const cluster = await useCluster({ replicas: false, args: ['--appendonly', 'yes'] });
const client = new Client({ redis: cluster.url });
const inspector = new Inspector({ redis: cluster.url });
after(() => Promise.all([client.close(), inspector.close()]));

test('the doctor looks at every server of a Cluster that has queues, and mends in each', async () => {
  const queues = ['a', 'b', 'c', 'd', 'e', 'f'];
  for (const queue of queues) {
    await client.enqueue({ type: 't' }, { queue });
    const keys = queueKeys(queue);
    const { redis } = cluster.masterOf(keys.pending);
    await redis.client.set(keys.unique('lost', undefined), 'gone', 'EX', 1000);
    await redis.client.zadd(keys.archived, 1, 'ghost');
  }
  const masters = new Set(queues.map((queue) => cluster.masterOf(queueKeys(queue).pending)));
  assert.ok(masters.size > 1);
  const { findings } = await inspector.diagnose({ fix: true });
  const of = (check: string): unknown[] =>
    findings
      .filter((finding) => finding.check === check)
      .map(({ status, queue, count, mended }) => [status, queue, count, mended]);
  assert.equal(of('latency').length, masters.size);
  assert.deepEqual(
    of('leaked-locks').sort(),
    queues.map((queue) => ['mended', queue, 1, 1]),
  );
  assert.deepEqual(
    of('ids-without-hash').sort(),
    queues.map((queue) => ['mended', queue, 1, 1]),
  );
  assert.deepEqual(of('tasks-in-no-list'), [['ok', undefined, undefined, undefined]]);
  const again = await inspector.diagnose();
  assert.deepEqual(
    again.findings
      .filter(({ status, check }) => status !== 'ok' && check !== 'latency') // that is the machine's
      .map(({ check }) => check),
    queues.map(() => 'unserved-queues'),
  );
});
