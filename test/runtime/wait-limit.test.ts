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
    isLeasing: () => false,
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

/** One task too many, which waits; a lease is under way at so many looks. */
function overFull(leasing: number) {
  const found = { looks: 0, givenBackAt: [] as number[] };
  const limit = new WaitLimit({
    active: {
      get occupied() {
        return 2 - found.givenBackAt.length;
      },
      inSlots: () => [task('runs', { phase: 'running' }), task('waits')],
    },
    clock: systemClock,
    concurrency: 1,
    isLeasing: () => {
      found.looks += 1;
      return found.looks <= leasing;
    },
    withdraw: () => true,
    finisher: { giveBack: () => void found.givenBackAt.push(found.looks) },
    onGivenBack: () => undefined,
  });
  limit.watch();
  return found;
}

test('nothing goes back while a lease is under way, which would bring what lies behind it', async () => {
  const found = overFull(20);
  await until(() => found.givenBackAt.length > 0);
  assert.ok(found.givenBackAt[0] !== undefined && found.givenBackAt[0] > 20, `${found.looks}`);
});

test('a lease that takes long holds nothing back for ever', async () => {
  const found = overFull(Number.POSITIVE_INFINITY);
  await until(() => found.givenBackAt.length > 0);
});
