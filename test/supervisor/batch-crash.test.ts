import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useBatches } from '../helpers/batches.ts';
import { fixture } from '../helpers/paths.ts';
import { until } from '../helpers/server.ts';
import { LONG_MS, useFleets } from './fleet.ts';

const fleets = await useFleets();
const enqueueBatch = useBatches(fleets.client, fleets.redis.client);

test('a child that is killed in the middle of a batch spends only the attempt of the task that ran', async () => {
  const batch = await enqueueBatch('killed', 'kill', { before: 300, behind: 200 });
  const { queue, before, middle } = batch;
  await fleets.start(queue, { HANDLERS: fixture('batches') });
  // Those before it are settled: what had ended without Redis knowing it would run again.
  await until(
    async () => (await batch.hasEnded(before.length)) && batch.runs().has(middle),
    LONG_MS,
  );
  batch.open();
  await batch.completed();
  assert.deepEqual([batch.runs().get(middle), await batch.spent()], [2, 1]);
});
