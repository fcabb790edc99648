import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  leaseCalls,
  type AheadOptions,
  drawAhead,
  MAX_AHEAD,
  MAX_AHEAD_BYTES,
  mostPerCall,
  nextTypical,
  type QueueFigures,
  type RoomFacts,
  roomAhead,
  WINDOW_MS,
} from '../../src/policy/prefetch.ts';

/** Two slots, nothing waits, Redis answers at once, slots become free as fast as they can. */
const calm: RoomFacts = {
  slots: 2,
  longRuns: 0,
  waiting: 0,
  waitingMs: 0,
  waitingBytes: 0,
  rate: 1_000,
  leaseMs: 1,
};
const short: QueueFigures = { runMs: 1, bytes: 100, hasMore: true };
const long: QueueFigures = { runMs: 1_000, bytes: 100, hasMore: true };
const unknown: QueueFigures = { runMs: undefined, bytes: 0, hasMore: true };
const empty = (figures: QueueFigures): QueueFigures => ({ ...figures, hasMore: false });

function draw(
  queues: Readonly<Record<string, QueueFigures & { weight?: number }>>,
  options: Partial<AheadOptions> = {},
  facts: Partial<RoomFacts> = {},
): { draws: Record<string, number>; next: string | undefined } {
  const { draws, next } = drawAhead({
    queues: new Map(Object.entries(queues).map(([name, { weight = 1 }]) => [name, weight])),
    strict: false,
    random: () => 0,
    room: roomAhead({ ...calm, ...facts }),
    next: undefined,
    figures: (queue) => queues[queue] ?? unknown,
    ...options,
  });
  return { draws: Object.fromEntries(draws), next };
}

test('as many are leased ahead as the slots begin within the window', () => {
  assert.deepEqual(draw({ a: short }).draws, { a: 2 * WINDOW_MS });
  assert.deepEqual(draw({ a: { ...short, runMs: 5 } }).draws, { a: (2 * WINDOW_MS) / 5 });
  assert.deepEqual(draw({ a: short }, {}, { waitingMs: 2 * WINDOW_MS - 10, waiting: 110 }).draws, {
    a: 10,
  });
});

test('of long tasks, and of those nothing is known of, none is leased ahead', () => {
  assert.deepEqual(draw({ a: long }), { draws: {}, next: 'a' });
  assert.deepEqual(draw({ a: unknown }), { draws: {}, next: 'a' });
});

test('slots that are busy with a long run give no room', () => {
  assert.deepEqual(draw({ a: short }, {}, { longRuns: 1 }).draws, { a: WINDOW_MS });
  assert.deepEqual(draw({ a: short }, {}, { longRuns: 2 }).draws, {});
});

test('no more are leased ahead than have left the slots lately, twice over', () => {
  assert.deepEqual(draw({ a: short }, {}, { rate: 0.5 }).draws, { a: WINDOW_MS });
  assert.deepEqual(draw({ a: short }, {}, { rate: 0.001 }).draws, {});
});

test('a Redis that answers slowly gets a longer window, within bounds', () => {
  assert.deepEqual(draw({ a: short }, {}, { leaseMs: 60 }).draws, { a: 360 });
  assert.deepEqual(draw({ a: short }, {}, { leaseMs: 500 }).draws, { a: 400 });
  assert.deepEqual(draw({ a: long }, {}, { leaseMs: 1_000 }).draws, {});
});

test('number and bytes of what waits are bounded', () => {
  const quick = { ...short, runMs: 0 };
  assert.deepEqual(draw({ a: quick }).draws, { a: MAX_AHEAD });
  assert.deepEqual(draw({ a: quick }, {}, { waiting: 200 }).draws, { a: MAX_AHEAD - 200 });
  const large = { ...quick, bytes: MAX_AHEAD_BYTES / 4 };
  assert.deepEqual(draw({ a: large }).draws, { a: 4 });
  assert.deepEqual(draw({ a: large }, {}, { waitingBytes: MAX_AHEAD_BYTES }).draws, {});
});

test('the first long run raises what is typical, many short ones lower it again', () => {
  const afterLong = nextTypical(1, 1_000);
  assert.ok(afterLong > 2 * WINDOW_MS);
  let typical = afterLong;
  for (let runs = 0; runs < 100; runs += 1) typical = nextTypical(typical, 1);
  assert.ok(typical < 2);
  assert.equal(nextTypical(undefined, 7), 7);
});

test('by weights, a turn that falls to long tasks is kept for them, and nothing passes it', () => {
  const turns = [0.1, 0.2, 0.9, 0.1];
  const random = (): number => turns.shift() ?? 0;
  assert.deepEqual(draw({ a: short, b: long }, { random }), { draws: { a: 2 }, next: 'b' });
  assert.deepEqual(draw({ a: short, b: long }, { next: 'b' }), { draws: {}, next: 'b' });
});

test('by weights, a queue that may have long tasks is looked at, and its turns go to the others', () => {
  const turns = [0.9, 0.1];
  const random = (): number => turns.shift() ?? 0;
  const { draws } = draw({ a: short, b: empty(long) }, { random });
  assert.deepEqual(draws, { a: 2 * WINDOW_MS, b: 0 });
});

test('in strict order nothing of a lower queue is taken before the higher one is known to be empty', () => {
  const strict = true;
  const low = { ...short, weight: 1 };
  assert.deepEqual(draw({ high: { ...long, weight: 9 }, low }, { strict }), {
    draws: {},
    next: 'high',
  });
  const { draws } = draw({ high: { ...empty(unknown), weight: 9 }, low }, { strict });
  assert.deepEqual(draws, { high: 0 });
  assert.deepEqual(draw({ high: { ...short, weight: 9 }, low }, { strict }).draws, {
    high: 2 * WINDOW_MS,
  });
});

test('a call asks for as many large messages as one reply brings, at least one', () => {
  const ask = (bytes: number): number => mostPerCall(bytes, 128);
  assert.deepEqual([0, 100, 65_535].map(ask), [128, 128, 128]);
  assert.deepEqual([65_536, 300_000, 1_000_000, 10_000_000].map(ask), [16, 3, 1, 1]);
});

test('calls for small tasks take as many as one may, also where it is only a look', () => {
  const sizes = (count: number): readonly number[] => leaseCalls(count, 500, 128).sizes;
  assert.deepEqual([0, 5, 128, 300].map(sizes), [[0], [5], [128], [128, 128, 44]]);
});

test('of large messages as much is asked for at once as eight replies would hold, in as few calls as bring it', () => {
  const sizes = (bytes: number): readonly number[] => leaseCalls(200, bytes, 128).sizes;
  assert.deepEqual(sizes(65_536), [128]);
  assert.deepEqual(sizes(300_000), [24]);
  assert.deepEqual(sizes(1_000_000), [8]);
  assert.deepEqual(sizes(2_000_000), [4, 4]);
  assert.deepEqual(sizes(10_000_000), [1, 1, 1, 1, 1, 1, 1, 1]);
  assert.deepEqual(leaseCalls(3, 1_000_000, 128).sizes, [3]);
  assert.deepEqual(leaseCalls(0, 1_000_000, 128).sizes, [0]);
  assert.equal(leaseCalls(3, 1_000_000, 128).maxBytes, 8_388_608);
});
