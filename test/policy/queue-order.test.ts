import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { drawQueues, queueOrder } from '../../src/policy/queue-order.ts';
import { seededRandom } from '../helpers/random.ts';

const WEIGHTS: ReadonlyMap<string, number> = new Map([
  ['critical', 6],
  ['default', 3],
  ['low', 1],
]);
const TASKS = 10_000;

type Counts = Map<string, number>;

function add(counts: Counts, queue: string, count: number): void {
  counts.set(queue, (counts.get(queue) ?? 0) + count);
}

/** Fills `slots` as the dispatcher does: short queues leave the candidates, the rest is drawn again. */
function fillSlots(backlog: Counts, slots: number, random: () => number): Counts {
  const taken: Counts = new Map();
  const candidates = new Map(WEIGHTS);
  let left = slots;
  while (left > 0 && candidates.size > 0) {
    for (const [queue, wanted] of drawQueues({
      queues: candidates,
      slots: left,
      strict: false,
      random,
    })) {
      const got = Math.min(wanted, (backlog.get(queue) ?? 0) - (taken.get(queue) ?? 0));
      add(taken, queue, got);
      left -= got;
      if (got < wanted) candidates.delete(queue);
    }
  }
  return taken;
}

/** Asynq's own algorithm (protocol 16.3): a shuffled list with each name repeated by priority, first names kept. */
function asynqOrder(random: () => number): string[] {
  const names = [...WEIGHTS].flatMap(([queue, weight]) => Array<string>(weight).fill(queue));
  for (let i = names.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [names[i], names[j]] = [names[j] ?? '', names[i] ?? ''];
  }
  return [...new Set(names)];
}

function assertShares(counts: Counts, wanted: Readonly<Record<string, number>>): void {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  for (const [queue, share] of Object.entries(wanted)) {
    const actual = (100 * (counts.get(queue) ?? 0)) / total;
    assert.ok(
      Math.abs(actual - share) <= 3,
      `${queue} got ${actual.toFixed(1)} %, wanted ${share} %`,
    );
  }
}

for (const slots of [1, 4, 64]) {
  test(`10,000 tasks drawn ${slots} at a time are shared 6:3:1 within 3 points`, () => {
    const random = seededRandom(slots);
    const taken: Counts = new Map();
    for (let drawn = 0; drawn < TASKS; drawn += slots) {
      for (const [queue, count] of drawQueues({ queues: WEIGHTS, slots, strict: false, random })) {
        add(taken, queue, count);
      }
    }
    assertShares(taken, { critical: 60, default: 30, low: 10 });
  });
}

test('with queues that are empty from time to time the shares are those of asynq, within 3 points', () => {
  const random = seededRandom(7);
  const ours: Counts = new Map();
  const asynqs: Counts = new Map();
  for (let round = 0; round < TASKS / 4; round += 1) {
    const full = [...WEIGHTS.keys()].filter(() => random() < 0.6);
    const backlog: Counts = new Map(full.map((queue) => [queue, 1000]));
    for (const [queue, count] of fillSlots(backlog, 4, random)) add(ours, queue, count);
    for (let slot = 0; slot < 4 && full.length > 0; slot += 1) {
      add(asynqs, asynqOrder(random).find((queue) => full.includes(queue)) ?? '', 1);
    }
  }
  const total = [...asynqs.values()].reduce((sum, count) => sum + count, 0);
  const shares = [...asynqs].map(([queue, count]) => [queue, (100 * count) / total] as const);
  assertShares(ours, Object.fromEntries(shares));
});

test('while the heaviest queue is empty the others share its slots 3:1', () => {
  const random = seededRandom(3);
  const taken: Counts = new Map();
  const backlog: Counts = new Map([
    ['default', 1000],
    ['low', 1000],
  ]);
  for (let drawn = 0; drawn < TASKS; drawn += 4) {
    for (const [queue, count] of fillSlots(backlog, 4, random)) add(taken, queue, count);
  }
  assert.equal(taken.get('critical') ?? 0, 0);
  assertShares(taken, { default: 75, low: 25 });
});

test('no slot stays empty while any queue has tasks', () => {
  const backlog: Counts = new Map([
    ['critical', 1],
    ['default', 2],
    ['low', 3],
  ]);
  assert.deepEqual(
    new Map([...fillSlots(backlog, 6, seededRandom(1))].sort()),
    new Map([...backlog].sort()),
  );
});

test('the first places of whole orders are shared 6:3:1 as well', () => {
  const random = seededRandom(11);
  const first: Counts = new Map();
  for (let i = 0; i < TASKS; i += 1) {
    add(first, queueOrder({ queues: WEIGHTS, strict: false, random })[0] ?? '', 1);
  }
  assertShares(first, { critical: 60, default: 30, low: 10 });
});

const anyQueues = (): fc.Arbitrary<Map<string, number>> =>
  fc
    .uniqueArray(fc.string({ minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 8 })
    .chain((names) =>
      fc
        .array(fc.integer({ min: 1, max: 100 }), {
          minLength: names.length,
          maxLength: names.length,
        })
        .map((weights) => new Map(names.map((name, index) => [name, weights[index] ?? 1]))),
    );

test('an order holds every candidate once', () => {
  fc.assert(
    fc.property(anyQueues(), fc.boolean(), fc.integer(), (queues, strict, seed) => {
      const order = queueOrder({ queues, strict, random: seededRandom(seed) });
      assert.deepEqual([...order].sort(), [...queues.keys()].sort());
    }),
  );
});

test('draws add up to the slots and name candidates only', () => {
  const slotCounts = fc.integer({ min: 1, max: 200 });
  fc.assert(
    fc.property(
      anyQueues(),
      fc.boolean(),
      slotCounts,
      fc.integer(),
      (queues, strict, slots, seed) => {
        const draws = drawQueues({ queues, slots, strict, random: seededRandom(seed) });
        assert.equal(
          [...draws.values()].reduce((sum, count) => sum + count, 0),
          slots,
        );
        for (const [queue, count] of draws) assert.ok(queues.has(queue) && count > 0);
      },
    ),
  );
});

test('in weighted order no candidate starves, however light it is', () => {
  const queues = new Map([
    ['heavy', 1000],
    ['light', 1],
  ]);
  const random = seededRandom(5);
  const draws = drawQueues({ queues, slots: 20_000, strict: false, random });
  assert.ok((draws.get('light') ?? 0) > 0);
});

test('strict order gives every slot to the highest priority, then to the next', () => {
  const random = seededRandom(1);
  const queues = new Map([...WEIGHTS].reverse());
  assert.deepEqual(
    drawQueues({ queues, slots: 5, strict: true, random }),
    new Map([['critical', 5]]),
  );
  queues.delete('critical');
  assert.deepEqual(
    drawQueues({ queues, slots: 5, strict: true, random }),
    new Map([['default', 5]]),
  );
  assert.deepEqual(queueOrder({ queues: WEIGHTS, strict: true, random }), [
    'critical',
    'default',
    'low',
  ]);
});

test('nothing is drawn without candidates or slots', () => {
  const random = seededRandom(1);
  assert.equal(drawQueues({ queues: new Map(), slots: 3, strict: false, random }).size, 0);
  assert.equal(drawQueues({ queues: WEIGHTS, slots: 0, strict: false, random }).size, 0);
});
