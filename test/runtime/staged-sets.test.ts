import assert from 'node:assert/strict';
import { systemClock } from '../../src/clock.ts';
import { ServerEmitter } from '../../src/runtime/emitter.ts';
import { STALE_SECONDS, StagedSets } from '../../src/runtime/staged-sets.ts';
import { useBroker, QUEUE } from '../broker/tasks.ts';
import { addToGroup } from '../helpers/groups.ts';
import { queueState } from '../helpers/queue-state.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';

const { at, broker, client, seed } = await useBroker();
const RULES = { graceMs: 1_000 };
const SET = { queue: QUEUE, group: 'g', id: 'set' };

function stagedSets(mostBytes?: number): StagedSets {
  const options = { broker, emitter: new ServerEmitter(), clock: systemClock };
  return new StagedSets(mostBytes === undefined ? options : { ...options, mostBytes });
}

test('a set is kept from going stale for as long as it is held', async () => {
  await seed({});
  await addToGroup(client, 'g', { queue: QUEUE, payloads: [1] });
  const sets = stagedSets();
  const staged = await sets.stage(SET, RULES);
  assert.ok(staged);
  await client.zadd(`asynq:{${QUEUE}}:aggregation_sets`, 5, `asynq:{${QUEUE}}:g:g:set`);
  const changes: boolean[] = [];
  staged.held.onChange = (isLost) => changes.push(isLost);
  const now = await earlyInSecond(client);
  await sets.extend();
  const { aggregationSets } = await queueState(client, QUEUE);
  assert.deepEqual(aggregationSets, { 'g:set': now + STALE_SECONDS });
  await at(STALE_SECONDS + 1).reclaimGroups(QUEUE);
  await sets.extend();
  assert.deepEqual(changes, [false, true]);
});

test('a set whose messages are too large goes back in part, and what was read can be closed', async () => {
  await seed({});
  const payloads = Array.from({ length: 600 }, () => 'x'.repeat(10_000));
  const ids = await addToGroup(client, 'g', { queue: QUEUE, payloads });
  const sets = stagedSets(2_000_000);
  const staged = await sets.stage(SET, RULES);
  assert.ok(staged);
  const { messages, isPart } = await sets.read(staged.held);
  assert.equal(isPart, true);
  const read = messages.map(({ id }) => id);
  assert.ok(read.length < 300, `${read.length}`);
  assert.deepEqual(read, ids.slice(0, read.length));
  const { group, groups } = await queueState(client, QUEUE);
  assert.deepEqual(Object.keys(group['g'] ?? {}), ids.slice(read.length));
  assert.deepEqual(Object.keys(group['g:set'] ?? {}), read);
  assert.deepEqual(groups, ['g']);
  const { signal } = new AbortController();
  const reply = await sets.close(staged.held, messages.length, undefined, signal);
  assert.deepEqual(reply, { status: 'closed' });
  await sets.sweep(staged.held, messages);
  const after = await queueState(client, QUEUE);
  assert.deepEqual(Object.keys(after.tasks).sort(), ids.slice(read.length));
});

test('of more tasks than an aggregation may have, the first are staged', async () => {
  await seed({});
  const batch = client.pipeline();
  for (let i = 0; i < 12_000; i += 1) batch.zadd(`asynq:{${QUEUE}}:g:g`, i, `t${i}`);
  await batch.exec();
  const staged = await stagedSets().stage(SET, RULES);
  assert.equal(staged?.left, 2_000);
  assert.equal(await client.zcard(`asynq:{${QUEUE}}:g:g:set`), 10_000);
});
