import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Inspector } from '../../src/index.ts';
import type { BulkProgress } from '../../src/inspector/types.ts';
import type { TaskState } from '../../src/task.ts';
import { leaseOurs, message, QUEUE, useBroker } from '../broker/tasks.ts';

const { broker, client, redis, seed } = await useBroker();
const inspector = new Inspector({ redis: redis.url });
after(() => inspector.close());

const P = 'asynq:{q}:';
const MANY = 20_000;

const FILL = `
  for i = 0, tonumber(ARGV[1]) - 1 do
    local id = 't' .. i
    redis.call('HSET', KEYS[1] .. 't:' .. id, 'msg', ARGV[3 + i % 2], 'state', ARGV[2])
    if ARGV[2] == 'pending' then
      redis.call('LPUSH', KEYS[1] .. 'pending', id)
    else
      redis.call('ZADD', KEYS[1] .. ARGV[2], 1700000000 + math.floor(i / 50), id)
    end
  end`;

/** Tasks `t0`, `t1`, … of the types `even` and `odd` in turn, the first of them the oldest. */
async function fill(state: TaskState, count: number): Promise<string[]> {
  const types = ['even', 'odd'].map((type) => message('t', { type }));
  await client.eval(FILL, 1, P, count, state, ...types);
  await client.sadd('asynq:queues', QUEUE);
  return Array.from({ length: count }, (_, i) => `t${i}`);
}

const CENSUS = `
  local state_of, counts = {}, {}
  for _, key in ipairs(redis.call('KEYS', KEYS[1] .. 't:*')) do
    state_of[string.sub(key, #KEYS[1] + 3)] = redis.call('HGET', key, 'state')
  end
  local function count(state, ids)
    for _, id in ipairs(ids) do
      if state_of[id] ~= state then
        return redis.error_reply(id .. ' in ' .. state .. ' is ' .. tostring(state_of[id]))
      end
      state_of[id] = nil
      counts[state] = (counts[state] or 0) + 1
    end
  end
  local wrong = count('pending', redis.call('LRANGE', KEYS[1] .. 'pending', 0, -1))
    or count('active', redis.call('LRANGE', KEYS[1] .. 'active', 0, -1))
  for _, state in ipairs({ 'scheduled', 'retry', 'archived', 'completed' }) do
    wrong = wrong or count(state, redis.call('ZRANGE', KEYS[1] .. state, 0, -1))
  end
  local homeless = next(state_of)
  return wrong or homeless and redis.error_reply(homeless .. ' is nowhere') or cjson.encode(counts)`;

/** How many tasks stand in each state. Throws unless each is in the container of its state, once, and nowhere else. */
async function census(): Promise<unknown> {
  return JSON.parse(String(await client.eval(CENSUS, 1, P)));
}

test('all tasks of a state are deleted in steps that tell how far they are', async () => {
  for (const state of ['pending', 'retry'] as const) {
    await seed({});
    await fill(state, MANY);
    const told: BulkProgress[] = [];
    const result = await inspector.delete(
      { queue: QUEUE, state },
      { onProgress: (progress) => told.push(progress) },
    );
    const figures = { seen: MANY, changed: MANY, total: MANY };
    assert.deepEqual(result, { ...figures, failures: [], isStopped: false });
    assert.ok(told.length >= MANY / 500, `${told.length} steps`);
    assert.deepEqual(told.at(-1), figures);
    assert.deepEqual(await census(), {});
  }
});

test('a filter in the midst of a long pending list keeps the order of the others', async () => {
  await seed({});
  const ids = await fill('pending', MANY);
  const result = await inspector.delete({
    queue: QUEUE,
    state: 'pending',
    filter: { type: 'odd' },
  });
  assert.deepEqual([result.seen, result.changed], [MANY, MANY / 2]);
  const left = await client.lrange(`${P}pending`, 0, -1);
  assert.deepEqual(
    left.toReversed(),
    ids.filter((_, i) => i % 2 === 0),
  );
  assert.deepEqual(await census(), { pending: MANY / 2 });
});

test('a walk that is stopped says so, and what is done stays done', async () => {
  await seed({});
  await fill('scheduled', MANY);
  const stop = new AbortController();
  const result = await inspector.run(
    { queue: QUEUE, state: 'scheduled' },
    {
      signal: stop.signal,
      onProgress: ({ changed }) => {
        if (changed >= 1000) stop.abort();
      },
    },
  );
  assert.deepEqual(result, {
    seen: 1000,
    changed: 1000,
    total: MANY,
    failures: [],
    isStopped: true,
  });
  assert.deepEqual(await census(), { pending: 1000, scheduled: MANY - 1000 });
  const list = Array.from({ length: 500 }, (_, i) => `t${5000 + i}`);
  const none = await inspector.archive({ queue: QUEUE, ids: list }, { signal: stop.signal });
  assert.deepEqual([none.isStopped, none.changed, none.total], [true, 0, 500]);
});

test('nothing is lost, and nothing of what was meant stays, while tasks come and go during a walk', async () => {
  await seed({});
  await fill('pending', MANY);
  const fresh: string[] = [];
  const leased: string[] = [];
  const over = new AbortController();
  const traffic = (async () => {
    for (let i = 0; !over.signal.aborted; i += 1) {
      const entries = Array.from({ length: 20 }, (_, j) => `new${i}-${j}`).map((taskId) => ({
        taskId,
        message: message(taskId, { type: 'odd' }),
      }));
      await broker.enqueue(QUEUE, entries);
      fresh.push(...entries.map(({ taskId }) => taskId));
      const reply = await leaseOurs(broker, 10);
      leased.push(...reply.tasks.map(({ id }) => id));
    }
  })();
  const result = await inspector.delete({
    queue: QUEUE,
    state: 'pending',
    filter: { type: 'odd' },
  });
  over.abort();
  await traffic;
  await census();
  assert.equal(await client.llen(`${P}active`), leased.length);
  // All old ones of the type are deleted, or were taken by a server before; all new ones are still there.
  const left = await client.lrange(`${P}pending`, 0, -1);
  assert.deepEqual(
    left.filter((id) => id.startsWith('t') && Number(id.slice(1)) % 2 === 1),
    [],
  );
  const there = new Set([...left, ...leased]);
  assert.deepEqual(
    fresh.filter((id) => !there.has(id)),
    [],
  );
  assert.equal(result.changed + left.length + leased.length, MANY + fresh.length);
  assert.ok(leased.length > 50 && fresh.length > 100, `${leased.length} ${fresh.length}`);
});

test('a task that was run and has failed meanwhile is not run again by the same call', async () => {
  await seed({});
  const ids = await fill('retry', 1000);
  let back = 0;
  const result = await inspector.run(
    { queue: QUEUE, state: 'retry' },
    {
      onProgress: () => {
        back += 1; // each step's tasks fail at once, and wait for their next retry behind all others
        const later = 1_800_000_000 + back;
        void client.eval(
          `for _, id in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
             redis.call('HSET', ARGV[1] .. id, 'state', 'retry')
             redis.call('ZADD', KEYS[2], ARGV[2], id)
           end
           redis.call('DEL', KEYS[1])`,
          2,
          `${P}pending`,
          `${P}retry`,
          `${P}t:`,
          later,
        );
      },
    },
  );
  assert.equal(result.changed, ids.length);
});

test('many tasks are changed by their IDs, also in the midst of a long pending list', async () => {
  await seed({});
  const count = 100_000;
  const ids = await fill('pending', count);
  const some = [ids[50_000], ids[49_000], ids[10], ids[99_990], 'nobody'].map((id) => id ?? '');
  const { changed, failures, total } = await inspector.delete({ queue: QUEUE, ids: some });
  assert.deepEqual([changed, total, failures.map(({ id }) => id)], [4, 5, ['nobody']]);
  await inspector.archive({ queue: QUEUE, id: ids[45_000] ?? '' });
  const left = new Set(await client.lrange(`${P}pending`, 0, -1));
  assert.deepEqual(ids.filter((id) => !left.has(id)).length, 5);
  assert.equal(left.size, count - 5);
  assert.equal(await client.hget(`${P}t:${ids[45_000]}`, 'state'), 'archived');
});

test('all that matches in the midst of a very long pending list goes, and nothing else', async () => {
  await seed({});
  const count = 150_000;
  const ids = await fill('pending', count);
  const wanted = new Set(Array.from({ length: 3000 }, (_, i) => ids[73_000 + 2 * i] ?? ''));
  const batch = client.pipeline();
  for (const id of wanted) batch.hset(`${P}t:${id}`, 'msg', message(id, { errorMsg: 'wanted' }));
  await batch.exec();
  const filter = { error: 'wanted' };
  const { changed } = await inspector.delete({ queue: QUEUE, state: 'pending', filter });
  assert.equal(changed, wanted.size);
  const left = await client.lrange(`${P}pending`, 0, -1);
  assert.equal(left.length, count - wanted.size);
  assert.deepEqual(new Set(left), new Set(ids.filter((id) => !wanted.has(id))));
  // Nobody waits for more tasks than before.
  const place = new Map(left.toReversed().map((id, i) => [id, i]));
  assert.ok(ids.every((id, i) => (place.get(id) ?? 0) <= i));
});
