import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Settlement } from '../../src/broker/broker.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { BEGUN_FIELD } from '../../src/wire/task-fields.ts';
import { rewriteTaskMessage, stampTaskMessage } from '../../src/wire/task-message.ts';
import { commandsDuring } from '../helpers/commands-during.ts';
import { earlyInSecond } from '../helpers/within-second.ts';
import { stateOf } from './batches.ts';
import { bytesOf } from './owner-tasks.ts';
import { active, held, message, OWNER, QUEUE, RUN, settleOurs, useBroker } from './tasks.ts';

const { redis, broker, client, seed } = await useBroker();
const keys = queueKeys(QUEUE);
const place = { server: 'host:1:uuid', thread: 2 };

const LARGE = 300_000;
const bigMessage = message('A', { payload: Buffer.alloc(LARGE, 1) });
const result = Buffer.alloc(LARGE, 2);
const rewritten = rewriteTaskMessage(bigMessage, { stamp: 'completedAt' });
const retried = rewriteTaskMessage(bigMessage, { errorMsg: 'boom', stamp: 'lastFailedAt' });
const large: Readonly<Record<string, Settlement>> = {
  'a large result': {
    kind: 'complete',
    id: 'A',
    uniqueKey: '',
    message: rewriteTaskMessage(message('A'), { stamp: 'completedAt' }),
    retentionSeconds: 5_000_000,
    result,
  },
  'a large message and result': {
    kind: 'complete',
    id: 'A',
    uniqueKey: '',
    message: rewritten,
    retentionSeconds: 5_000_000,
    result,
  },
  'a large message to be retried': {
    kind: 'retry',
    id: 'A',
    message: retried,
    delayMs: 5_000_000,
    counts: true,
  },
  'a large message to be archived': { kind: 'archive', id: 'A', message: retried },
};

/** Task A, active, with its large message and what else may stand beside it. */
async function seedLarge(now: number): Promise<void> {
  const fields = { msg: bigMessage, result: 'earlier', foreign: 'kept', [BEGUN_FIELD]: '1' };
  await seed(held(['A'], { leaseAt: now + 30, fields }));
}

/** Bytes of the arguments of each command that Redis carries out meanwhile, by who asked: `lua` or a client. */
async function sizesDuring(act: () => Promise<unknown>): Promise<Record<string, number>> {
  const sizes: Record<string, number> = {};
  for (const { name, isInScript, args } of await commandsDuring(redis, act)) {
    const who = isInScript ? 'in a script' : name;
    sizes[who] = Math.max(sizes[who] ?? 0, name.length + args.join('').length);
  }
  return sizes;
}

for (const [what, settlement] of Object.entries(large)) {
  test(`${what} passes through no script, and leaves what a script would leave`, async () => {
    const now = await earlyInSecond(client);
    await seedLarge(now);
    const attempt = { outcome: 'ok', runMs: 7, ...place } as const;
    const call = { queue: QUEUE, server: OWNER, settlements: [{ run: RUN, settlement, attempt }] };
    const sizes = await sizesDuring(async () => {
      assert.deepEqual(await broker.settle(call), ['settled']);
    });
    for (const [name, size] of Object.entries(sizes)) {
      if (name === 'hset') assert.ok(size >= LARGE);
      else assert.ok(size < LARGE / 3, `${name}: ${size} bytes`);
    }
    assert.equal(await client.ttl(keys.task('A')), -1);
    const staged = await stateOf(client, now);

    const again = await earlyInSecond(client);
    await seedLarge(again);
    // A full Redis takes no values but by the script.
    await client.config('SET', 'maxmemory', '1');
    assert.deepEqual(await broker.settle(call), ['settled']);
    await client.config('SET', 'maxmemory', '0');
    assert.deepEqual(await stateOf(client, again), staged);
    const msg = await client.hgetBuffer(keys.task('A'), 'msg');
    const wanted = 'message' in settlement ? settlement.message : undefined;
    assert.equal(msg?.length, wanted && stampTaskMessage(wanted, again).length);
  });

  test(`${what} of a task that is held by another server is lost, and changes no byte`, async () => {
    const now = await earlyInSecond(client);
    for (const parts of [
      held(['A'], { leaseAt: now + 30, owner: 'them' }),
      { ...active(['A'], now + 30), tasks: {} },
      {},
    ]) {
      await seed(parts);
      const before = await bytesOf(client);
      assert.deepEqual(await settleOurs(broker, [settlement]), ['lost']);
      assert.deepEqual(await bytesOf(client), before);
    }
  });
}

test('large values that Redis refuses when they come are settled by the script', async () => {
  const now = await earlyInSecond(client);
  await seedLarge(now);
  const used = Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1]);
  await client.config('SET', 'maxmemory', `${used + 1_000_000}`);
  const huge = Buffer.alloc(4_000_000, 3);
  const settlement = { ...large['a large result'], result: huge } as Settlement;
  assert.deepEqual(await settleOurs(broker, [settlement]), ['settled']);
  await client.config('SET', 'maxmemory', '0');
  assert.deepEqual(await client.hgetBuffer(keys.task('A'), 'result'), huge);
  assert.deepEqual(await client.keys('*threadmill_staged*'), []);
});

test('a settlement that fails leaves nothing staged behind', async () => {
  const now = await earlyInSecond(client);
  await seedLarge(now);
  await client.rename(keys.lease, 'aside');
  await client.set(keys.lease, 'of another type');
  const settlement = large['a large message and result'] as Settlement;
  await assert.rejects(settleOurs(broker, [settlement]), { code: 'ERR_REDIS_REPLY' });
  await broker.ping(); // over the same connection, so behind all that
  assert.deepEqual(await client.keys('*threadmill_staged*'), []);
  await client.rename('aside', keys.lease);
  assert.deepEqual(await settleOurs(broker, [settlement]), ['settled']);
});
