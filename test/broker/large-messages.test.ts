/** Large messages of tasks that are recovered, adopted, aggregated or looked at: none passes through a script. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Redis } from 'ioredis';
import type { Broker, CloseReply } from '../../src/broker/broker.ts';
import { createRedisBroker } from '../../src/broker/redis-broker.ts';
import { queueKeys, QUEUES } from '../../src/wire/keys.ts';
import { commandsDuring, type SeenCommand } from '../helpers/commands-during.ts';
import { queueState } from '../helpers/queue-state.ts';
import { until } from '../helpers/server.ts';
import { earlyInSecond } from '../helpers/within-second.ts';
import { members, SET, STAGED } from './group-states.ts';
import { held, message, nobodys, OWNER, QUEUE, RUN, useBroker } from './tasks.ts';

const { redis, broker, client, seed } = await useBroker();
const keys = queueKeys(QUEUE);

const KB = 1_024;
const MB = 1_048_576;
const big = message('big', { payload: Buffer.alloc(300 * KB, 1) });
const many = Array.from({ length: 40 }, (_, i) => `many-${i}`);
const many60KB = many.map((id) => message(id, { payload: Buffer.alloc(60 * KB, 2) }));
const messages = new Map([
  ['small', message('small')],
  ['big', big],
  ...many.map((id, i) => [id, many60KB[i] ?? big] as const),
]);
const ids = [...messages.keys()];

interface Read {
  readonly id: string;
  readonly message: Uint8Array | undefined;
}

interface Reader {
  /** Reads `big` alone, not all of them. */
  readonly isOne?: true;
  seed(now: number): Promise<void>;
  read(): Promise<Read[]>;
}

/** Who reads messages: how the tasks lie there, and the call. */
const readers: Record<string, Reader> = {
  'expired leases': {
    seed: (now) => seed(nobodys(ids, now - 60)),
    read: () => broker.expiredLeases(QUEUE),
  },
  'tasks without lease': {
    seed: (now) => seed({ ...nobodys(ids, now), lease: {} }),
    read: async () => broker.lostTasks(QUEUE, await broker.unleased(QUEUE)),
  },
  'tasks that a dead server held': {
    seed: (now) => seed(held(ids, { leaseAt: now + 30 })),
    read: () => broker.heldTasks(QUEUE, OWNER),
  },
  'an adopted task': {
    isOne: true,
    seed: (now) => seed(held(ids, { leaseAt: now + 30 })),
    read: async () => {
      const from = { server: OWNER, run: RUN };
      const to = { server: 'heir', run: RUN };
      const task = await broker.adopt({ queue: QUEUE, taskId: 'big', from, to, leaseMs: 30_000 });
      return task === undefined ? [] : [task];
    },
  },
  'a task that somebody looks at': {
    isOne: true,
    seed: (now) => seed(held(ids, { leaseAt: now + 30 })),
    read: async () => {
      await client.hset(keys.task('big'), 'result', big);
      const task = await broker.getTask(QUEUE, 'big');
      assert.ok(big.equals(task?.result ?? Buffer.alloc(0)));
      assert.equal(task?.state, 'active');
      return task === undefined ? [] : [{ id: 'big', message: task.message }];
    },
  },
  'the tasks of a group': {
    seed: async (now) => {
      const joined = Object.fromEntries(ids.map((id, at) => [id, at]));
      const aggregationSets = { [STAGED]: now + 60 };
      await seed({ group: { [STAGED]: joined }, aggregationSets, tasks: members('x', ids) });
    },
    read: async () => {
      const read: Read[] = [];
      for (;;) {
        const page = await broker.readGroup(SET, read.length);
        read.push(...page.tasks);
        if (read.length === page.size) return read;
      }
    },
  },
};

/** Tasks whose messages these commands read. */
function readBy(commands: readonly SeenCommand[], isInScript: boolean): string[] {
  return commands
    .filter(({ name }) => ['hget', 'hmget', 'hgetall'].includes(name))
    .filter(
      ({ name, args }) => name === 'hgetall' || args.includes('msg') || args.includes('result'),
    )
    .filter((command) => command.isInScript === isInScript)
    .map(({ args }) => args[0]?.slice(keys.taskPrefix.length) ?? '');
}

for (const [what, { isOne, seed: seedAll, read }] of Object.entries(readers)) {
  test(`of ${what} no script reads large messages, or more than 1 MiB of small ones`, async () => {
    await seedAll(await earlyInSecond(client));
    for (const [id, msg] of messages) await client.hset(keys.task(id), 'msg', msg);
    let found: Read[] = [];
    const commands = await commandsDuring(redis, async () => {
      found = await read();
    });
    const wanted = isOne ? ['big'] : ids;
    assert.deepEqual(new Set(found.map(({ id }) => id)), new Set(wanted));
    for (const { id, message: bytes } of found) {
      assert.ok(messages.get(id)?.equals(bytes ?? Buffer.alloc(0)), `message of ${id}`);
    }
    assert.ok(readBy(commands, false).includes('big'));
    const inScripts = readBy(commands, true);
    assert.ok(!inScripts.includes('big'));
    if (what === 'the tasks of a group') return; // in pages of 1 MiB
    const bytes = inScripts.reduce((sum, id) => sum + (messages.get(id)?.length ?? 0), 0);
    assert.ok(bytes <= MB, `${bytes} bytes`);
  });
}

test('one look for expired leases lists about 4 MiB of messages, and the next the others', async () => {
  await seed(nobodys(many, 5));
  for (const id of many) await client.hset(keys.task(id), 'msg', Buffer.alloc(MB, id));
  const first = await broker.expiredLeases(QUEUE);
  assert.deepEqual(
    first.map(({ id }) => id),
    [...many].sort().slice(0, 4),
  );
  for (const { id } of first) {
    await client.multi().lrem(keys.active, 0, id).zrem(keys.lease, id).exec();
  }
  const second = await broker.expiredLeases(QUEUE);
  assert.deepEqual(
    second.map(({ id }) => id),
    [...many].sort().slice(4, 8),
  );
});

test('all that a dead server held is listed, however much that is', async () => {
  const held4000 = Array.from({ length: 4_000 }, (_, i) => `t${i}`);
  await seed(held(held4000, { leaseAt: 9_999_999_999 }));
  const messageOf = (id: string): Buffer => message(id, { payload: Buffer.alloc(KB, id) });
  await Promise.all(held4000.map((id) => client.hset(keys.task(id), 'msg', messageOf(id))));
  const listed = await broker.heldTasks(QUEUE, OWNER);
  assert.deepEqual(
    listed.map(({ id }) => id),
    held4000,
  );
  for (const { id, message: bytes } of listed) {
    assert.ok(messageOf(id).equals(bytes ?? Buffer.alloc(0)), `message of ${id}`);
  }
});

test('who looks for runs alone is told of them without a message', async () => {
  await seed(held(['A', 'big'], { leaseAt: 9_999_999_999 }));
  let runs: unknown;
  const commands = await commandsDuring(redis, async () => {
    runs = await broker.heldRuns(QUEUE, OWNER);
  });
  assert.deepEqual(runs, [
    { id: 'A', server: OWNER, run: RUN },
    { id: 'big', server: OWNER, run: RUN },
  ]);
  assert.deepEqual(
    commands.filter(({ args }) => args.includes('msg')),
    [],
  );
});

test('what a look at a task answers is in memory of its own', async () => {
  await seed(held(['big'], { leaseAt: 9_999_999_999 }));
  await client.hset(keys.task('big'), 'msg', big, 'result', big);
  const task = await broker.getTask(QUEUE, 'big');
  for (const bytes of [task?.message, task?.result]) {
    assert.deepEqual(
      [bytes?.buffer.constructor, bytes?.buffer.byteLength],
      [ArrayBuffer, big.length],
    );
  }
});

/** A set of one task, which is to become this one. */
async function closing(): Promise<Parameters<typeof broker.closeGroup>[0]> {
  await seed({
    group: { [STAGED]: { A: 1 } },
    aggregationSets: { [STAGED]: 9_999_999_999 },
    tasks: members(SET.group, ['A']),
  });
  return { set: SET, size: 1, entry: { taskId: 'big', message: big } };
}

test('a large task that an aggregation made passes through no script', async () => {
  const close = await closing();
  const commands = await commandsDuring(redis, async () => {
    assert.deepEqual(await broker.closeGroup(close), { status: 'closed' });
  });
  const sizes = commands.filter(({ isInScript }) => isInScript).map(({ args }) => args.join(''));
  assert.ok(Math.max(...sizes.map((text) => text.length)) < 10 * KB);
  const { tasks, pending } = await queueState(client, QUEUE);
  assert.deepEqual([tasks['big']?.['msg'], tasks['big']?.['state']], [big, 'pending']);
  assert.deepEqual(pending, ['big']);
  assert.equal(await client.ttl(keys.task('big')), -1);
});

test('where Redis is full the script takes it, as many tasks go for the one that comes', async () => {
  const close = await closing();
  await client.config('SET', 'maxmemory', '1');
  const reply = await broker.closeGroup(close);
  await client.config('SET', 'maxmemory', '0');
  assert.deepEqual(reply, { status: 'closed' });
  assert.deepEqual((await queueState(client, QUEUE)).tasks['big']?.['msg'], big);
});

/** A broker beside whose commands others go, on the same connection. */
function brokerBeside(
  context: TestContext,
  beside: (command: readonly string[], shared: Redis, send: () => unknown) => unknown,
): Broker {
  const shared = new Redis(redis.socket, { replyMapping: 'legacy' });
  context.after(() => shared.disconnect());
  const send = shared.sendCommand.bind(shared);
  shared.sendCommand = (command, stream) =>
    beside([command.name, ...command.args.map(String)], shared, () => send(command, stream));
  return createRedisBroker({ redis: shared, connectTimeoutMs: 2_000 });
}

test('a message that was evicted before the script came goes with the script', async (context) => {
  let evictions = 0;
  const evicting = brokerBeside(context, ([name, key = '', field], shared, send) => {
    const sent = send();
    if (name === 'hset' && field === 'msg' && key.startsWith(keys.staged(''))) {
      evictions += 1;
      void shared.unlink(key);
    }
    return sent;
  });
  assert.deepEqual(await evicting.closeGroup(await closing()), { status: 'closed' });
  await evicting.close();
  assert.equal(evictions, 1);
  assert.deepEqual((await queueState(client, QUEUE)).tasks['big']?.['msg'], big);
});

test('a task of a group that is deleted before its message is fetched is dropped', async (context) => {
  const group = { [STAGED]: { gone: 1, a: 2, big: 3, b: 4 } };
  await seed({ group, tasks: members('x', ['a', 'big', 'b']) });
  await client.hset(keys.task('big'), 'msg', big);
  const deleting = brokerBeside(context, ([name, key], shared, send) => {
    if (name === 'hget' && key === keys.task('big')) void shared.unlink(key);
    return send();
  });
  const page = await deleting.readGroup(SET, 0);
  await deleting.close();
  assert.deepEqual(
    page.tasks.map(({ id }) => id),
    ['a', 'b'],
  );
  assert.deepEqual([page.dropped, page.size], [['gone', 'big'], 2]);
});

test('a large task that is not stored leaves nothing behind', async () => {
  const refused = await closing();
  await client.hset(keys.task('big'), 'msg', message('big'), 'state', 'pending');
  await leavesNothing(refused, { status: 'conflict', state: 'pending' });
  const late = await closing();
  await client.del(keys.aggregationSets);
  await leavesNothing(late, { status: 'gone' });
});

async function leavesNothing(
  close: Parameters<typeof broker.closeGroup>[0],
  reply: CloseReply,
): Promise<void> {
  const before = [...(await client.keys('*')), QUEUES];
  assert.deepEqual(await broker.closeGroup(close), reply);
  await until(async () => (await client.keys('*')).every((key) => before.includes(key)));
}
