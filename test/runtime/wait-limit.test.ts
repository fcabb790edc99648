import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import type { ActiveTask } from '../../src/runtime/active-tasks.ts';
import { WaitLimit } from '../../src/runtime/wait-limit.ts';
import { until } from '../helpers/server.ts';

let run = 0;

function task(id: string, more: Partial<ActiveTask> = {}): ActiveTask {
  run += 1;
  const ref = { id, type: 't', queue: 'q', retried: 0, maxRetry: 0 };
  return { run, ref, phase: 'waiting', leasedMonotonicMs: 0, ...more } as ActiveTask;
}

test('what has no slot goes back, the newest first; suspects, offered ones and aggregations stay', async () => {
  const held = [
    task('runs', { phase: 'running' }),
    task('has a slot'),
    task('suspect', { isSuspect: true }),
    task('offered', { isOffered: true }),
    task('aggregation', { aggregation: {} as NonNullable<ActiveTask['aggregation']> }),
    task('first'),
    task('begun meanwhile'),
    task('last'),
  ];
  const givenBack: string[] = [];
  const waited: number[] = [];
  let occupied = 5;
  const limit = new WaitLimit({
    active: {
      get occupied() {
        return occupied;
      },
      inSlots: () => held,
    },
    clock: systemClock,
    concurrency: 2,
    withdraw: ({ ref }) => ref.id !== 'begun meanwhile',
    finisher: {
      giveBack: ({ ref }) => {
        givenBack.push(ref.id);
        occupied -= 1;
      },
    },
    onGivenBack: (_queue, waitedMs) => waited.push(waitedMs),
  });
  limit.watch();
  await until(() => givenBack.length === 2);
  assert.deepEqual(givenBack, ['last', 'first']);
  assert.ok(waited.every((ms) => ms >= 500));
});
