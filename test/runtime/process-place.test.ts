import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { hasEnded, isRunning, isSameSystem, ownPlace } from '../../src/runtime/process-place.ts';
import { until } from '../helpers/server.ts';

const place = ownPlace(true);
const skip = process.platform === 'linux' ? false : 'only Linux tells';

test('this process and its parent live, and each is on the same system as itself', { skip }, () => {
  assert.ok(place?.supervisor !== undefined);
  assert.equal(place.process.pid, process.pid);
  assert.equal(place.supervisor.pid, process.ppid);
  assert.deepEqual([hasEnded(place.process), hasEnded(place.supervisor)], [false, false]);
  assert.equal(isSameSystem(place, place), true);
  assert.equal(isSameSystem(place, { ...place, boot: 'another' }), false);
  assert.equal(isSameSystem(place, { ...place, pidNamespace: '1' }), false);
});

test('a process that took the pid of another one is not that one', { skip }, () => {
  assert.ok(place !== undefined);
  assert.equal(hasEnded({ ...place.process, start: '1' }), true);
  assert.equal(isRunning(process.pid), true);
});

test('a process has ended when it was killed, even while nobody has asked for its exit code', {
  skip,
}, async () => {
  const child = spawn('sleep', ['60']);
  after(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  assert.equal(isRunning(child.pid ?? 0), true);
  // A shell that does not wait for its child leaves a zombie.
  const shell = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  after(() => shell.kill('SIGKILL'));
  const [line] = (await once(shell.stdout, 'data')) as [Buffer];
  const zombie = Number(line.toString());
  await until(() => !isRunning(zombie));
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
  assert.equal(isRunning(child.pid ?? 0), false);
});
