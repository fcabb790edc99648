import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseCron } from '../../src/policy/cron.ts';

const ms = (iso: string): number => Date.parse(iso);
const iso = (atMs: number | undefined): string =>
  atMs === undefined ? 'never' : new Date(atMs).toISOString().replace(':00.000Z', 'Z');

/** The next ticks after an instant. */
function ticksOf(spec: string, timeZone: string, from: string, count: number): string[] {
  const ticks = parseCron(spec, { timeZone });
  const found: string[] = [];
  let at: number | undefined = ms(from);
  while (found.length < count) {
    at = at === undefined ? undefined : ticks.nextAfter(at);
    found.push(iso(at));
  }
  return found;
}

const at = '2026-04-03T00:00:00Z'; // a Friday

for (const [spec, ...wanted] of [
  ['* * * * *', '2026-04-03T00:01Z', '2026-04-03T00:02Z'],
  ['*/20 * * * * *', '2026-04-03T00:00:20.000Z', '2026-04-03T00:00:40.000Z'],
  ['30 5 4 3 2 *', '2027-02-03T04:05:30.000Z', '2028-02-03T04:05:30.000Z'],
  ['5/15 * * * *', '2026-04-03T00:05Z', '2026-04-03T00:20Z'],
  ['0 10-20/5 * * *', '2026-04-03T10:00Z', '2026-04-03T15:00Z'],
  ['0 0 ? * ?', '2026-04-04T00:00Z', '2026-04-05T00:00Z'],
  ['0 0 1 JAN,jul *', '2026-07-01T00:00Z', '2027-01-01T00:00Z'],
  ['0 0 * * mon-TUE', '2026-04-06T00:00Z', '2026-04-07T00:00Z'],
  ['0 0 * * 0', '2026-04-05T00:00Z', '2026-04-12T00:00Z'],
  ['0 0 * * 7', '2026-04-05T00:00Z', '2026-04-12T00:00Z'],
  ['@hourly', '2026-04-03T01:00Z', '2026-04-03T02:00Z'],
  ['@daily', '2026-04-04T00:00Z', '2026-04-05T00:00Z'],
  ['@midnight', '2026-04-04T00:00Z', '2026-04-05T00:00Z'],
  ['@weekly', '2026-04-05T00:00Z', '2026-04-12T00:00Z'],
  ['@monthly', '2026-05-01T00:00Z', '2026-06-01T00:00Z'],
  ['@yearly', '2027-01-01T00:00Z', '2028-01-01T00:00Z'],
  ['@annually', '2027-01-01T00:00Z', '2028-01-01T00:00Z'],
  ['@every 1h30m', '2026-04-03T01:30Z', '2026-04-03T03:00Z'],
  ['@every 90s', '2026-04-03T00:01:30.000Z', '2026-04-03T00:03Z'],
  ['TZ=Asia/Kolkata 0 9 * * *', '2026-04-03T03:30Z', '2026-04-04T03:30Z'],
  ['CRON_TZ=Asia/Kolkata 0 9 * * *', '2026-04-03T03:30Z', '2026-04-04T03:30Z'],
  ['0 0 29 2 *', '2028-02-29T00:00Z', '2032-02-29T00:00Z'],
  ['0 0 30 2 *', 'never', 'never'],
] as const) {
  test(`${spec} comes when asynq's users expect it`, () => {
    assert.deepEqual(ticksOf(spec, 'UTC', at, 2), wanted);
  });
}

test('two restricted day fields are OR-ed, one alone is not', () => {
  assert.deepEqual(ticksOf('0 0 13 * fri', 'UTC', '2026-04-03T00:00:00Z', 3), [
    '2026-04-10T00:00Z',
    '2026-04-13T00:00Z', // a Monday
    '2026-04-17T00:00Z',
  ]);
  // `*/2` restricts, `*/1` and `?` do not.
  assert.deepEqual(ticksOf('0 0 */10 * mon', 'UTC', at, 2), [
    '2026-04-06T00:00Z',
    '2026-04-11T00:00Z',
  ]);
  assert.deepEqual(ticksOf('0 0 */1 * mon', 'UTC', at, 2), [
    '2026-04-06T00:00Z',
    '2026-04-13T00:00Z',
  ]);
  assert.deepEqual(ticksOf('0 0 13 * ?', 'UTC', at, 2), ['2026-04-13T00:00Z', '2026-05-13T00:00Z']);
});

for (const [spec, why] of [
  ['', /0 fields|1 fields/],
  ['* * * *', /4 fields/],
  ['* * * * * * *', /7 fields/],
  ['@reboot', /unknown name/],
  ['60 * * * *', /60/],
  ['0 24 * * *', /24/],
  ['0 0 0 * *', /day/i],
  ['0 0 * * 8', /8/],
  ['*/0 * * * *', /stepping/],
  ['5-1 * * * *', /larger/],
  ['1,,2 * * * *', /empty/],
  ['x * * * *', /illegal/],
  ['2026-01-01T00:00:00 * * * *', /accept|cron spec/],
  ['@every 90', /whole seconds/],
  ['@every 1.5s', /whole seconds/],
  ['@every 500ms', /whole seconds/],
  ['@every', /unknown name/],
  ['@every -1m', /whole seconds/],
  ['TZ=Mars/Olympus 0 0 * * *', /"Mars\/Olympus" is not an IANA time zone/],
] as const) {
  test(`${JSON.stringify(spec)} is refused with the reason`, () => {
    assert.throws(
      () => parseCron(spec),
      (error) => {
        assert.ok(error instanceof RangeError);
        assert.match(error.message, why);
        return true;
      },
    );
  });
}

// Berlin: 2026-03-29 02:00 -> 03:00; 2026-10-25 03:00 -> 02:00.
// New York: 2026-03-08 02:00 -> 03:00; 2026-11-01 02:00 -> 01:00.
// Lord Howe: 2026-10-04 02:00 -> 02:30; 2026-04-05 02:00 -> 01:30, half an hour each.
for (const [what, spec, zone, from, wanted] of [
  [
    'a time of day that the clocks skip comes at the first instant after the gap, on that day only',
    '30 2 * * *',
    'Europe/Berlin',
    '2026-03-28T02:00:00Z',
    ['2026-03-29T01:00Z', '2026-03-30T00:30Z'],
  ],
  [
    'a time of day that the clocks show twice comes the first time',
    '30 2 * * *',
    'Europe/Berlin',
    '2026-10-24T12:00:00Z',
    ['2026-10-25T00:30Z', '2026-10-26T01:30Z'],
  ],
  [
    'the same in the gap of New York, where a list of hours names times of the day too',
    '30 2,14 * * *',
    'America/New_York',
    '2026-03-07T20:00:00Z',
    ['2026-03-08T07:00Z', '2026-03-08T18:30Z', '2026-03-09T06:30Z'],
  ],
  [
    'the same in the overlap of New York',
    '30 1 * * *',
    'America/New_York',
    '2026-10-31T06:00:00Z',
    ['2026-11-01T05:30Z', '2026-11-02T06:30Z'],
  ],
  [
    'the same in the gap of half an hour of Lord Howe',
    '15 2 * * *',
    'Australia/Lord_Howe',
    '2026-10-03T00:00:00Z',
    ['2026-10-03T15:30Z', '2026-10-04T15:15Z'],
  ],
  [
    'the same in the overlap of half an hour of Lord Howe',
    '45 1 * * *',
    'Australia/Lord_Howe',
    '2026-04-03T15:00:00Z',
    ['2026-04-04T14:45Z', '2026-04-05T15:15Z'],
  ],
  [
    'midnight that the clocks skip comes at one, so that no day is left out',
    '0 0 * * *',
    'Africa/Cairo',
    '2026-04-23T12:00:00Z',
    ['2026-04-23T22:00Z', '2026-04-24T21:00Z'],
  ],
  [
    'an hourly rhythm goes on through the gap',
    '0 * * * *',
    'Europe/Berlin',
    '2026-03-28T23:30:00Z',
    ['2026-03-29T00:00Z', '2026-03-29T01:00Z', '2026-03-29T02:00Z'],
  ],
  [
    'an hourly rhythm goes on through the overlap',
    '0 * * * *',
    'Europe/Berlin',
    '2026-10-24T23:30:00Z',
    ['2026-10-25T00:00Z', '2026-10-25T01:00Z', '2026-10-25T02:00Z'],
  ],
  [
    'a rhythm of quarters goes on through the gap of half an hour',
    '*/15 * * * *',
    'Australia/Lord_Howe',
    '2026-10-03T15:00:00Z',
    ['2026-10-03T15:15Z', '2026-10-03T15:30Z', '2026-10-03T15:45Z', '2026-10-03T16:00Z'],
  ],
  [
    'a rhythm of quarters goes on through the overlap of half an hour',
    '*/15 * * * *',
    'Australia/Lord_Howe',
    '2026-04-04T14:20:00Z',
    ['2026-04-04T14:30Z', '2026-04-04T14:45Z', '2026-04-04T15:00Z', '2026-04-04T15:15Z'],
  ],
  [
    'a rhythm within an hour that is skipped does not come that day',
    '*/20 2 * * *',
    'Europe/Berlin',
    '2026-03-28T01:50:00Z',
    ['2026-03-30T00:00Z', '2026-03-30T00:20Z'],
  ],
  [
    'a rhythm within an hour that is shown twice comes in both',
    '*/30 2 * * *',
    'Europe/Berlin',
    '2026-10-24T12:00:00Z',
    ['2026-10-25T00:00Z', '2026-10-25T00:30Z', '2026-10-25T01:00Z', '2026-10-25T01:30Z'],
  ],
  [
    '@every counts seconds and knows no clocks',
    '@every 30m',
    'Europe/Berlin',
    '2026-03-29T00:45:00Z',
    ['2026-03-29T01:00Z', '2026-03-29T01:30Z'],
  ],
] as const) {
  test(`${what} (${zone})`, () => {
    assert.deepEqual(ticksOf(spec, zone, from, wanted.length), wanted);
  });
}

test('in every zone a daily spec comes once a day, all year, whatever the clocks do', () => {
  const zones = fc.constantFrom(
    'Europe/Berlin',
    'America/New_York',
    'Australia/Lord_Howe',
    'America/Sao_Paulo',
    'Africa/Cairo',
    'Asia/Tehran',
    'Pacific/Chatham',
  );
  const time = fc.record({ hour: fc.integer({ min: 0, max: 23 }), minute: fc.nat(59) });
  fc.assert(
    fc.property(zones, time, fc.integer({ min: 2015, max: 2035 }), (timeZone, clock, year) => {
      const ticks = parseCron(`${clock.minute} ${clock.hour} * * *`, { timeZone });
      const dayOf = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' });
      const days: string[] = [];
      let next = ticks.nextAfter(ms(`${year}-01-01T12:00:00Z`));
      while (next !== undefined && next < ms(`${year}-12-30T12:00:00Z`)) {
        days.push(dayOf.format(next));
        next = ticks.nextAfter(next);
      }
      assert.equal(new Set(days).size, days.length, 'twice on one day');
      assert.ok(days.length >= 362 && days.length <= 364, `${days.length} days`);
    }),
    { numRuns: 12 },
  );
});

/** Specs of all kinds. */
const specs = fc.oneof(
  fc.nat(59).map((minute) => `${minute} * * * *`),
  fc.tuple(fc.nat(59), fc.nat(23)).map(([minute, hour]) => `${minute} ${hour} * * *`),
  fc.integer({ min: 1, max: 30 }).map((step) => `*/${step} * * * * *`),
  fc.integer({ min: 1, max: 28 }).map((day) => `0 3 ${day} * *`),
  fc.nat(6).map((day) => `15 2 * * ${day}`),
  fc.integer({ min: 1, max: 100_000 }).map((seconds) => `@every ${seconds}s`),
);
const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe');
const instants = fc.integer({ min: ms('2020-01-01T00:00:00Z'), max: ms('2035-01-01T00:00:00Z') });

test('the next tick is a whole second after the instant, and there is none between', () => {
  fc.assert(
    fc.property(
      specs,
      zones,
      instants,
      fc.double({ min: 0, max: 1, noNaN: true }),
      (spec, timeZone, from, share) => {
        const ticks = parseCron(spec, { timeZone });
        const next = ticks.nextAfter(from) ?? 0;
        assert.ok(next > from);
        assert.equal(next % 1000, 0);
        assert.equal(ticks.nextAfter(Math.floor(from + (next - 1 - from) * share)), next);
      },
    ),
  );
});

test('looking back finds the ticks that looking forward finds', () => {
  fc.assert(
    fc.property(
      specs,
      zones,
      instants,
      fc.integer({ min: 1, max: 5 }),
      (spec, timeZone, from, count) => {
        const ticks = parseCron(spec, { timeZone });
        const forward: number[] = [];
        let next = ticks.nextAfter(from);
        for (let i = 0; i < count && next !== undefined; i += 1) {
          forward.push(next);
          next = ticks.nextAfter(next);
        }
        const last = forward.at(-1) ?? from;
        assert.deepEqual(ticks.lastUntil(last, from, count + 3), forward);
        assert.deepEqual(ticks.lastUntil(last, from, 1), [last]);
        assert.deepEqual(ticks.lastUntil(last - 1, from, 9), forward.slice(0, -1));
      },
    ),
  );
});

test('@every counts from the anchor, so that all who know it agree', () => {
  const anchorMs = ms('2026-01-01T00:00:07.500Z'); // rounded up to whole seconds
  const ticks = parseCron('@every 10s', { anchorMs });
  assert.equal(ticks.nextAfter(anchorMs), ms('2026-01-01T00:00:08Z'));
  assert.equal(ticks.nextAfter(ms('2026-01-01T00:00:08Z')), ms('2026-01-01T00:00:18Z'));
});
