import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeRecords } from '../../src/wire/task-records.ts';
import { idOf, useFleets } from './fleet.ts';

const fleets = await useFleets();

test('an attempt that ended with its process is in the history, with what it died of', async () => {
  const fleet = await fleets.start('one');
  const id = await fleet.enqueue('stay');
  const pid = await fleet.begins(id);
  const begunAt = Date.now();
  process.kill(pid, 'SIGKILL');
  await fleet.says(({ msg, task }) => msg === 'task failed, to be retried' && idOf(task) === id);
  const { threadmill_attempts: attempts = '' } = await fleet.fields(id);
  const [attempt, ...others] = decodeRecords({ attempts }).attempts;
  assert.ok(attempt !== undefined);
  assert.deepEqual([attempt.outcome, others], ['retry', []]);
  assert.match(attempt.error ?? '', /^the process ended while it ran the task: killed by SIGKILL/);
  assert.match(attempt.server, new RegExp(`^[^:]+:${pid}:[-0-9a-f]{36}$`));
  assert.ok(Math.abs(+attempt.endedAt - begunAt) < 10_000);
});

test('a bystander of a death shows the attempt that it lost, a task that had not begun none', async () => {
  const fleet = await fleets.start('several', { CONCURRENCY: '2' });
  const ids = await Promise.all([fleet.enqueue('stay'), fleet.enqueue('stay')]);
  const [pid = 0] = await Promise.all(ids.map((id) => fleet.begins(id)));
  const waiting = await fleet.enqueue('stay');
  process.kill(pid, 'SIGKILL');
  for (const id of ids) {
    await fleet.says(({ msg, task }) => msg === 'task requeued' && idOf(task) === id);
    const { threadmill_attempts: attempts = '' } = await fleet.fields(id);
    const found = decodeRecords({ attempts }).attempts;
    assert.deepEqual(
      found.map(({ outcome }) => outcome),
      ['requeued'],
    );
    assert.match(found[0]?.error ?? '', /killed by SIGKILL/);
  }
  assert.equal((await fleet.fields(waiting))['threadmill_attempts'], undefined);
});
