import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../helpers/server.ts';
import { isAlive, LONG_MS, useFleets } from './fleet.ts';

const fleets = await useFleets();

for (const processes of [1, 2]) {
  test(`children that have run enough tasks are replaced one at a time, never with fewer than ${processes}`, async () => {
    const queue = `recycle-${processes}`;
    const fleet = await fleets.start(queue, {
      PROCESSES: String(processes),
      RECYCLE: 'tasks=3',
    });
    const first = fleet.childPids();
    assert.equal(first.length, processes);
    const ids = await Promise.all(
      Array.from({ length: 4 * processes + 2 }, () => fleet.enqueue('pause', {}, { ms: 50 })),
    );
    const long = await fleet.enqueue('pause', {}, { ms: 3_000 });
    let fewest = Number.POSITIVE_INFINITY;
    await until(async () => {
      fewest = Math.min(fewest, fleet.childPids().filter(isAlive).length);
      return (
        fleet.records.some(({ msg }) => msg === 'replacing child process') &&
        fleet.records.some(({ msg }) => msg === 'child process ended')
      );
    }, LONG_MS);
    assert.ok(fewest >= processes, `${fewest} of ${processes}`);
    // The old one pulls until its successor is there.
    const messages = fleet.records.map(({ msg }) => msg);
    const before = messages.slice(0, messages.indexOf('stopped pulling tasks'));
    assert.equal(before.filter((msg) => msg === 'started').length, processes + 1);
    for (const id of [...ids, long]) {
      await until(async () => (await fleet.fields(id))['state'] === 'completed', LONG_MS);
      assert.equal((await fleet.fields(id))['retried'], '0');
    }
    assert.match(
      await fleet.metrics(),
      /^threadmill_children_restarts_total\{cause="recycled_tasks"\} [1-9]/m,
    );
    assert.deepEqual(
      fleet.records.filter(({ msg }) => msg === 'task requeued'),
      [],
    );
  });
}
