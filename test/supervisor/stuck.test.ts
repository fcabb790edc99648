import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { until } from '../helpers/server.ts';
import { idOf, isAlive, LONG_MS, processesWith, useFleets } from './fleet.ts';

const fleets = await useFleets();

for (const type of ['sleep', 'derive'] as const) {
  test(`a canceled task in a native call (${type}) costs its process: it fails, its neighbour spends nothing`, async () => {
    const queue = `native-${type}`;
    const fleet = await fleets.start(queue, { CONCURRENCY: '2' });
    const seconds = `30.${randomInt(1e8, 1e9)}`;
    const culprit = await fleet.enqueue(type, { maxRetry: 0 }, { seconds });
    const pid = await fleet.begins(culprit);
    const neighbour = await fleet.enqueue('stay');
    await fleet.begins(neighbour);
    if (type === 'sleep') await until(() => processesWith(`sleep ${seconds}`).length > 0);
    else await fleet.says(({ msg }) => msg === 'deriving');
    await fleets.client.cancel(culprit);
    await fleet.says(({ msg, task }) => msg === 'task failed, archived' && idOf(task) === culprit);
    assert.ok(!isAlive(pid));
    assert.deepEqual(processesWith(`sleep ${seconds}`), []);
    const { threadmill_crashes, lastError } = await fleet.fields(culprit);
    assert.deepEqual([threadmill_crashes, lastError], [undefined, 'context canceled']);
    await fleet.says(
      ({ msg, task, reason }) =>
        msg === 'task requeued' && idOf(task) === neighbour && reason === 'process_died',
    );
    // It runs again in the next child, and is no suspect.
    await fleet.says(
      ({ msg, task, pid: of }) => msg === 'task started' && idOf(task) === neighbour && of !== pid,
      LONG_MS,
    );
    const { threadmill_suspect, retried } = await fleet.fields(neighbour);
    assert.deepEqual([threadmill_suspect, retried], [undefined, '0']);
    const metrics = await fleet.metrics();
    assert.match(metrics, /^threadmill_children_killed_total\{reason="stuck"\} 1$/m);
    assert.match(metrics, /^threadmill_children_restarts_total\{cause="stuck"\} 1$/m);
    assert.match(
      metrics,
      new RegExp(`^threadmill_tasks_archived_total\\{queue="${queue}",type="${type}"\\} 1$`, 'm'),
    );
  });
}
