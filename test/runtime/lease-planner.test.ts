import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ActiveTask,
  ActiveTasks,
  activeTask,
  type LeasedFacts,
} from '../../src/runtime/active-tasks.ts';
import { MAX_AHEAD } from '../../src/policy/prefetch.ts';
import { LeasePlanner } from '../../src/runtime/lease-planner.ts';

/** A planner with a clock that is set by hand. */
function make(queues: Readonly<Record<string, number>>, strictPriority = false) {
  let now = 0;
  let run = 0;
  const active = new ActiveTasks();
  const planner = new LeasePlanner({
    active,
    clock: { monotonicMs: () => now, wallMs: () => now },
    queues: new Map(Object.entries(queues)),
    strictPriority,
    concurrency: 2,
    random: () => 0,
  });
  const take = (queue: string, count: number): ActiveTask[] =>
    Array.from({ length: count }, () => {
      run += 1;
      const ref = { id: `${run}`, type: 't', queue, retried: 0, maxRetry: 0 };
      const task = activeTask({ run, ref, raw: new Uint8Array(10) } as unknown as LeasedFacts);
      active.add(task);
      return task;
    });
  const answer = (queue: string, asked: number, more: boolean): ActiveTask[] => {
    planner.onAnswer(queue, { asked, count: asked, bytes: 10 * asked, more, tookMs: 1 });
    return take(queue, asked);
  };
  const end = (tasks: readonly ActiveTask[], runMs: number, overMs = runMs): void => {
    now += overMs;
    for (const task of tasks) active.freeSlot(task, runMs);
  };
  const draw = (): Record<string, number> => {
    return Object.fromEntries(planner.draw(new Map(Object.entries(queues)), planner.budget()));
  };
  return { active, planner, answer, end, draw };
}

/** Runs short tasks for a while, so that the planner knows them; leaves all slots free. */
function warmUp({ answer, end, draw }: ReturnType<typeof make>, queue: string, runMs = 1): void {
  for (let round = 0; round < 50; round += 1) {
    draw();
    end(answer(queue, 4, true), runMs, 2 * runMs);
  }
}

test('at first only the slots are filled', () => {
  const { draw, planner, answer } = make({ a: 1 });
  assert.deepEqual(draw(), { a: 2 });
  answer('a', 2, true);
  planner.roundEnded(2);
  assert.equal(planner.isDue, false);
});

test('when the runs prove short more are leased, and again when half of them have begun', () => {
  const made = make({ a: 1 });
  warmUp(made, 'a', 3); // one call can bring all for which there is room
  const { draw, planner, answer, end } = made;
  const count = draw()['a'] ?? 0;
  assert.ok(count > 10, `${count}`);
  const held = answer('a', count, true);
  planner.roundEnded(count);
  assert.equal(planner.isDue, false);
  let calls = 0;
  planner.onRoom(() => {
    calls += 1;
  });
  end(held.slice(0, 5), 3);
  assert.deepEqual([planner.isDue, calls], [false, 0]);
  end(held.slice(5, 2 + count / 2), 3);
  assert.deepEqual([planner.isDue, calls], [true, 1]);
});

test('the shortest are leased batch by batch, until as many wait as may', () => {
  const made = make({ a: 1 });
  const { draw, planner, answer, end } = made;
  for (let round = 0; round < 50; round += 1) {
    draw();
    end(answer('a', 130, true), 0.01, 3);
  }
  const held: ActiveTask[] = [];
  while (planner.isDue) {
    const count = draw()['a'] ?? 0;
    assert.ok(count > 0 && count <= 130, `${count}`);
    held.push(...answer('a', count, true));
    planner.roundEnded(count);
  }
  assert.equal(held.length, 2 + MAX_AHEAD);
  end(held.slice(0, 127), 0.01);
  assert.equal(planner.isDue, false);
  end(held.slice(127, 128), 0.01);
  assert.equal(planner.isDue, true);
});

test('one long run ends it', () => {
  const made = make({ a: 1 });
  warmUp(made, 'a');
  made.end(made.answer('a', 1, true), 1_000, 1);
  assert.deepEqual(made.draw(), { a: 2 });
});

test('runs that go on for long end it before they have ended', () => {
  const made = make({ a: 1 });
  warmUp(made, 'a');
  const running = made.answer('a', 2, true);
  for (const task of running) {
    made.active.begun(task);
    task.startedWallMs = 0;
  }
  assert.deepEqual(made.planner.budget(), { slots: 0, ahead: 0 });
});

test('a queue that has no more is not asked ahead, nor while a slot is held for something else', () => {
  const made = make({ a: 1 });
  warmUp(made, 'a');
  const release = made.active.holdSlot();
  assert.deepEqual(made.draw(), { a: 1 });
  release();
  assert.ok((made.draw()['a'] ?? 0) > 2);
  made.planner.onAnswer('a', { asked: 5, count: 0, bytes: 0, more: false, tookMs: 1 });
  assert.deepEqual(made.draw(), { a: 2 });
});

test('what waited in vain is not leased ahead again', () => {
  const made = make({ a: 1 });
  warmUp(made, 'a');
  made.planner.distrust('a', 500);
  assert.deepEqual(made.draw(), { a: 2 });
});

test('a round that found nothing is not repeated before a slot is free', () => {
  const made = make({ a: 1 });
  warmUp(made, 'a');
  const held = made.answer('a', 20, true);
  made.planner.roundEnded(20);
  made.end(held.slice(0, 15), 1);
  assert.equal(made.planner.isDue, true);
  made.planner.roundEnded(0);
  assert.equal(made.planner.isDue, false);
  made.end(held.slice(15, 19), 1);
  assert.equal(made.planner.isDue, true);
});

test('in strict order a higher queue is looked at before more of a lower one is leased ahead, but not all the time', () => {
  const made = make({ high: 9, low: 1 }, true);
  for (let round = 0; round < 50; round += 1) {
    made.planner.onAnswer('high', { asked: 2, count: 0, bytes: 0, more: false, tookMs: 1 });
    made.draw();
    made.end(made.answer('low', 4, true), 1, 2);
  }
  const slots = made.answer('low', 2, true);
  assert.ok((made.draw()['low'] ?? 0) > 10, 'a moment ago the higher one was empty');
  made.end(slots, 1, 2);
  warmUp(made, 'low');
  made.answer('low', 2, true);
  assert.deepEqual(made.draw(), { high: 0 });
  made.planner.onAnswer('high', { asked: 0, count: 0, bytes: 0, more: true, tookMs: 1 });
  assert.deepEqual(made.planner.budget(), { slots: 0, ahead: 0 });
});
