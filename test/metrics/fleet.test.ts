import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '../../src/metrics/create-metrics.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { until, useFleet } from '../helpers/server.ts';

const fleet = await useFleet();

/** Sum of all series of one counter. */
function sum(body: string, name: string): number {
  return [...body.matchAll(new RegExp(`^${name}\\{[^}]*\\} (\\d+)$`, 'gm'))].reduce(
    (total, [, value]) => total + Number(value),
    0,
  );
}

test("what two servers count adds up to the queue's own counters", async () => {
  const queue = 'counted';
  const keys = queueKeys(queue);
  const servers = [fleet.make({ queues: [queue] }), fleet.make({ queues: [queue] })];
  const metrics = servers.map((server) => createMetrics(server));
  let ended = 0;
  for (const server of servers) {
    for (const name of ['succeeded', 'archived', 'revoked', 'retried'] as const) {
      server.on(name, () => {
        ended += 1;
      });
    }
  }
  const kinds = [
    { task: { type: 'ok' } },
    { task: { type: 'fail' }, options: { maxRetry: 0 } },
    { task: { type: 'fail' } },
    { task: { type: 'verdict', payload: { verdict: 'revoke' } } },
    { task: { type: 'verdict', payload: { verdict: 'later' } } },
    { task: { type: 'nobody' } },
  ];
  const requests = Array.from(
    { length: 60 },
    (_, index) => kinds[index % kinds.length] ?? kinds[0],
  );
  await fleet.client.enqueueMany(
    requests.flatMap((request) =>
      request === undefined ? [] : [{ ...request, options: { ...request.options, queue } }],
    ),
  );
  await Promise.all(servers.map((server) => server.start()));
  await until(() => ended >= 60);
  const bodies = await Promise.all(metrics.map(async (each) => (await each.scrape()).body));
  const total = (name: string): number => bodies.reduce((all, body) => all + sum(body, name), 0);
  assert.equal(
    total('threadmill_tasks_processed_total'),
    Number(await fleet.redis.client.get(keys.processed)),
  );
  assert.equal(
    total('threadmill_tasks_failed_total'),
    Number(await fleet.redis.client.get(keys.failed)),
  );
  assert.equal(total('threadmill_tasks_processed_total'), 50);
  assert.equal(total('threadmill_tasks_requeued_total'), 10);
  for (const each of metrics) each.stop();
});
