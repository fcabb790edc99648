import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { utcDay } from '../../src/wire/keys.ts';
import { queueState } from '../helpers/queue-state.ts';
import { packageRoot } from '../helpers/paths.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import { active, leasedBy, OWNER, QUEUE, settleOurs, useBroker } from './tasks.ts';

const { at, broker, client, seed } = await useBroker();
const MAX = '9223372036854775807';
const DAY = 86_400;

test('the UTC date worked out in Lua is that of JavaScript', async () => {
  const day = readFileSync(join(packageRoot, 'src/broker/lua/lib/day.lua'), 'utf8');
  const script = `${day}\nlocal days = {} for i, s in ipairs(ARGV) do days[i] = utc_day(tonumber(s)) end return days`;
  const seconds = fc.integer({ min: 0, max: 253_402_300_799 }); // to the end of the year 9999
  await fc.assert(
    fc.asyncProperty(fc.array(seconds, { minLength: 1, maxLength: 500 }), async (instants) => {
      const days = await client.eval(script, 0, ...instants);
      assert.deepEqual(
        days,
        instants.map((instant) => utcDay(instant * 1000)),
      );
    }),
    { numRuns: 50 },
  );
  const borders = [2000, 2023, 2024, 2100].flatMap((year) => {
    const leap = Date.UTC(year, 1, 28) / 1000;
    const end = Date.UTC(year, 11, 31) / 1000;
    return [leap, leap + DAY - 1, leap + DAY, leap + 2 * DAY, end + DAY - 1, end + DAY];
  });
  const found = await client.eval(script, 0, ...borders);
  assert.deepEqual(
    found,
    borders.map((instant) => utcDay(instant * 1000)),
  );
});

test('the day changes at midnight UTC', async () => {
  await seed({});
  const now = await earlyInSecond(client);
  const midnight = (Math.floor(now / DAY) + 1) * DAY;
  for (const instant of [midnight - 1, midnight]) {
    const shifted = at(instant - now);
    await client.rpush('asynq:{q}:active', `${instant}`);
    await client.zadd('asynq:{q}:lease', instant, `${instant}`);
    await client.hset(`asynq:{q}:t:${instant}`, leasedBy(OWNER, instant));
    await settleOurs(shifted, [{ kind: 'done', id: `${instant}`, uniqueKey: '' }]);
  }
  assert.deepEqual((await queueState(client, QUEUE)).counters, {
    processed: '2',
    [`processed:${utcDay((midnight - 1) * 1000)}`]: '1',
    [`processed:${utcDay(midnight * 1000)}`]: '1',
  });
});

test('a daily counter gets its 90 days once, with the first attempt of the day', async () => {
  const now = await earlyInSecond(client);
  const day = `processed:${utcDay(now * 1000)}`;
  await seed({
    ...active(['A', 'B'], now + 30),
    counters: { [day]: '5' },
    ttl: { [day]: 1000 },
  });
  await settleOurs(broker, [{ kind: 'done', id: 'A', uniqueKey: '' }]);
  assert.ok(((await queueState(client, QUEUE)).ttl[day] ?? 0) <= 1000);

  await client.del(`asynq:{q}:${day}`);
  await settleOurs(broker, [{ kind: 'done', id: 'B', uniqueKey: '' }]);
  const expireAt = await client.call('EXPIRETIME', `asynq:{q}:${day}`).catch(() => undefined);
  if (expireAt !== undefined) assert.equal(expireAt, now + 90 * DAY); // the command is of Redis 7
});

const totals = [
  { from: MAX, to: '1' },
  { from: '9223372036854775500', to: '1' }, // equal as a double
  { from: '9223372036854774000', to: '9223372036854774001' },
  { from: '41', to: '42' },
];
for (const { from, to } of totals) {
  test(`a processed total of ${from} becomes ${to}, by success and by failure alike`, async () => {
    const now = await earlyInSecond(client);
    const empty = { head: new Uint8Array(), tail: new Uint8Array(), field: 'none' } as const;
    await seed({ ...active(['A'], now + 30), counters: { processed: from, failed: '7' } });
    await settleOurs(broker, [{ kind: 'done', id: 'A', uniqueKey: '' }]);
    assert.equal((await queueState(client, QUEUE)).counters['processed'], to);

    await seed({ ...active(['A'], now + 30), counters: { processed: from, failed: '7' } });
    await settleOurs(broker, [{ kind: 'archive', id: 'A', message: empty }]);
    const { processed, failed } = (await queueState(client, QUEUE)).counters;
    assert.deepEqual([processed, failed], [to, to === '1' ? '1' : '8']);
  });
}

test('a failed total at its end does not matter, as in asynq only processed is looked at', async () => {
  const now = await earlyInSecond(client);
  await seed({ ...active(['A'], now + 30), counters: { processed: '1', failed: '99' } });
  const empty = { head: new Uint8Array(), tail: new Uint8Array(), field: 'none' } as const;
  await settleOurs(broker, [{ kind: 'retry', id: 'A', message: empty, delayMs: 0, counts: true }]);
  const { processed, failed } = (await queueState(client, QUEUE)).counters;
  assert.deepEqual([processed, failed], ['2', '100']);
});
