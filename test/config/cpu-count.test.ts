import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpuQuota, thisMachine, usableCores } from '../../src/config/cpu-count.ts';

function machine(files: Readonly<Record<string, string>>, availableParallelism = 8) {
  return { availableParallelism, readText: (path: string): string | undefined => files[path] };
}

test('without a cgroup the operating system decides', () => {
  assert.deepEqual(usableCores(machine({})), { cores: 8 });
});

test('a v2 quota is rounded up to whole cores', () => {
  const files = { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '150000 100000\n' };
  assert.deepEqual(usableCores(machine(files)), { cores: 2, quota: 1.5 });
});

test('a quota below one core leaves one', () => {
  const files = { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '20000 100000\n' };
  assert.deepEqual(usableCores(machine(files)), { cores: 1, quota: 0.2 });
});

test('max is no quota', () => {
  const files = { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': 'max 100000\n' };
  assert.deepEqual(usableCores(machine(files)), { cores: 8 });
});

test('the least quota of the own group and its parents holds', () => {
  const files = {
    '/proc/self/cgroup': '0::/kube/pod/app\n',
    '/sys/fs/cgroup/kube/pod/app/cpu.max': '400000 100000\n',
    '/sys/fs/cgroup/kube/pod/cpu.max': '300000 100000\n',
    '/sys/fs/cgroup/kube/cpu.max': '600000 100000\n',
  };
  assert.equal(cpuQuota(machine(files).readText), 3);
});

test('a v1 quota is found under its controller, or at the root where a container shows the path of its host', () => {
  const own = {
    '/proc/self/cgroup': '12:memory:/app\n4:cpu,cpuacct:/app\n1:name=systemd:/app\n',
    '/sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_quota_us': '250000\n',
    '/sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_period_us': '100000\n',
  };
  assert.equal(cpuQuota(machine(own).readText), 2.5);
  const root = {
    '/proc/self/cgroup': '4:cpu:/docker/0123abc\n',
    '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '50000\n',
    '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
  };
  assert.equal(cpuQuota(machine(root).readText), 0.5);
});

test('a v1 quota of -1 is none, and other controllers do not count', () => {
  const files = {
    '/proc/self/cgroup': '4:cpu:/\n5:cpuset:/\n',
    '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
    '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
    '/sys/fs/cgroup/cpuset/cpu.cfs_quota_us': '100000\n',
    '/sys/fs/cgroup/cpuset/cpu.cfs_period_us': '100000\n',
  };
  assert.equal(cpuQuota(machine(files).readText), undefined);
});

test('a quota above what the operating system gives does not matter', () => {
  const files = { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '900000 100000\n' };
  assert.deepEqual(usableCores(machine(files, 2)), { cores: 2 });
});

test('files that make no sense are no quota', () => {
  for (const text of ['', 'x y', '0 0', '100000', '-5 100000']) {
    const files = { '/proc/self/cgroup': 'nonsense\n0::/../..\n', '/sys/fs/cgroup/cpu.max': text };
    assert.equal(cpuQuota(machine(files).readText), undefined, text);
  }
});

test('this machine has a core', () => {
  assert.ok(usableCores(thisMachine()).cores >= 1);
});
