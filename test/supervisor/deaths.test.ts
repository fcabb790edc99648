import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../helpers/server.ts';
import { countOf, idOf, isAlive, LONG_MS, useFleets } from './fleet.ts';

const fleets = await useFleets();

/** The fleet's list in Redis. */
const servers = (): Promise<string[]> => fleets.redis.client.zrange('asynq:servers', '0', '-1');

test('a child that is killed while it runs one task costs that task one attempt and one crash, and is back at once', async () => {
  const fleet = await fleets.start('one');
  const running = await fleet.enqueue('stay');
  const pid = await fleet.begins(running);
  const address = (await servers()).find((key) => key.includes(`:${pid}:`));
  assert.ok(address !== undefined);
  // Of a queue's tasks one child leases no more than it has slots and a few; these wait in the queue or in the child.
  const waiting = await Promise.all([1, 2, 3].map(() => fleet.enqueue('quick')));
  process.kill(pid, 'SIGKILL');
  await fleet.says(
    ({ msg, task }) => msg === 'task failed, to be retried' && idOf(task) === running,
  );
  const { threadmill_crashes, threadmill_suspect, retried, lastError } =
    await fleet.fields(running);
  assert.deepEqual([threadmill_crashes, threadmill_suspect, retried], ['1', undefined, '1']);
  assert.match(
    lastError ?? '',
    /^the process ended while it ran the task: killed by SIGKILL \(out of memory\?\)$/,
  );
  // The tasks that had not begun are run by the next child, nothing spent.
  for (const id of waiting) {
    await until(
      async () => (await fleets.client.getTask({ queue: 'one', id }))?.state === 'completed',
      LONG_MS,
    );
    const fields = await fleet.fields(id);
    assert.deepEqual(
      [fields['retried'], fields['threadmill_crashes'], fields['threadmill_suspect']],
      ['0', undefined, undefined],
    );
  }
  const [, next = 0] = fleet.childPids();
  assert.ok(isAlive(next));
  assert.ok(!(await servers()).includes(address));
});

test('a child that is killed while it runs several tasks makes each a suspect, which then runs alone, nothing spent', async () => {
  const fleet = await fleets.start('several', { CONCURRENCY: '2' });
  const ids = await Promise.all([fleet.enqueue('stay'), fleet.enqueue('stay')]);
  const [pid = 0] = await Promise.all(ids.map((id) => fleet.begins(id)));
  process.kill(pid, 'SIGKILL');
  for (const id of ids) {
    await fleet.says(
      ({ msg, task, reason }) =>
        msg === 'task requeued' && idOf(task) === id && reason === 'suspect',
    );
    const { threadmill_crashes, threadmill_suspect, retried } = await fleet.fields(id);
    assert.deepEqual([threadmill_crashes, threadmill_suspect, retried], [undefined, '1', '0']);
  }
  const { taskId, childPid } = await fleet.says(
    ({ msg }) => msg === 'suspect runs in a process of its own',
  );
  assert.ok(ids.includes(String(taskId)));
  await fleet.says(
    ({ msg, task, pid: of }) => msg === 'task started' && idOf(task) === taskId && of === childPid,
  );
  assert.notEqual(childPid, fleet.childPids()[1]);
  assert.match(await fleet.metrics(), /^threadmill_children_isolated_total 1$/m);
});

test('a suspect that ends its process alone is archived at the crash limit, and harms no neighbour', async () => {
  const fleet = await fleets.start('limit', { CONCURRENCY: '2', MAX_CRASHES: '2' });
  const neighbour = await fleet.enqueue('pause', {}, { ms: 2_000 });
  await fleet.begins(neighbour);
  const killer = await fleet.enqueue('kill');
  await fleet.says(
    ({ msg, task }) => msg === 'task failed, archived' && idOf(task) === killer,
    2 * LONG_MS,
  );
  const { threadmill_crashes, retried, lastError } = await fleet.fields(killer);
  assert.equal(threadmill_crashes, '2');
  assert.equal(retried, '1');
  assert.match(lastError ?? '', /2 times, the last time: .*SIGABRT \(out of memory\?\)/);
  // The first death took the neighbour along, as nobody knew whose it was; the others were the killer's alone.
  await until(async () => (await fleet.fields(neighbour))['state'] === 'completed', LONG_MS);
  const { threadmill_crashes: ofNeighbour, retried: spent } = await fleet.fields(neighbour);
  assert.deepEqual([ofNeighbour, spent], [undefined, '0']);
  const deaths = fleet.records.filter(({ msg }) => msg === 'child process died');
  assert.deepEqual(
    deaths.map(({ tasksBegun }) => tasksBegun),
    [2, 1, 1],
  );
});

test('children end within a second of the death of their supervisor, with what their handlers started', async () => {
  const fleet = await fleets.start('orphan', { PROCESSES: '2' });
  await fleet.begins(await fleet.enqueue('stay'));
  const pids = fleet.childPids();
  assert.equal(pids.length, 2);
  fleet.run.child.kill('SIGKILL');
  await until(() => !pids.some(isAlive), 1_000);
});

test('a child that is told to end by somebody else ends in order and is replaced', async () => {
  const fleet = await fleets.start('told');
  const id = await fleet.enqueue('stay');
  const pid = await fleet.begins(id);
  process.kill(pid, 'SIGTERM');
  await fleet.says(({ msg, childPid }) => msg === 'child process ended' && childPid === pid);
  await until(() => countOf(fleet.records, 'started') === 2, LONG_MS);
  const { threadmill_crashes, retried } = await fleet.fields(id);
  assert.deepEqual([threadmill_crashes, retried], [undefined, '0']);
  assert.match(await fleet.metrics(), /^threadmill_children_restarts_total\{cause="ended"\} 1$/m);
});
