/**
 * How many cores this process may use: what the operating system reports, or the CPU quota of its cgroup (v1 or v2),
 * whichever is less. `os.availableParallelism()` knows CPU affinity but no quota.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { posix } from 'node:path';

/** Text of a file, or `undefined` when it cannot be read. */
export type ReadText = (path: string) => string | undefined;

/** What the machine says. Tests replace it. */
export interface Machine {
  /** Cores by the operating system. */
  readonly availableParallelism: number;
  readonly readText: ReadText;
}

/** Cores, and the quota where one holds. */
export interface UsableCores {
  readonly cores: number;
  /** CPUs by the cgroup's quota, e.g. 1.5; only when it is below the operating system's number. */
  readonly quota?: number;
}

/** The machine this process runs on. */
export function thisMachine(): Machine {
  return { availableParallelism: availableParallelism(), readText };
}

/** Cores this process may use: at least 1; a quota of 1.5 CPUs makes 2. */
export function usableCores(machine: Machine): UsableCores {
  const quota = cpuQuota(machine.readText);
  if (quota === undefined || quota >= machine.availableParallelism) {
    return { cores: Math.max(1, machine.availableParallelism) };
  }
  return { cores: Math.max(1, Math.ceil(quota)), quota };
}

/** CPUs by the least quota of the process's cgroups and their parents; `undefined` without a quota. */
export function cpuQuota(read: ReadText): number | undefined {
  const quotas = cgroupFolders(read('/proc/self/cgroup') ?? '').map(
    (folder) =>
      parseV2(read(`${folder}/cpu.max`)) ??
      parseV1(read(`${folder}/cpu.cfs_quota_us`), read(`${folder}/cpu.cfs_period_us`)),
  );
  const known = quotas.filter((quota) => quota !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** Lines such as `0::/a/b` (v2) and `4:cpu,cpuacct:/a/b` (v1) as folders, each with all its parents up to the mount. */
function cgroupFolders(cgroup: string): string[] {
  return cgroup.split('\n').flatMap((line) => {
    const [, id, controllers, path] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? [];
    if (id === undefined || controllers === undefined || path === undefined) return [];
    return mounts(id, controllers).flatMap((mount) =>
      withParents(path).map((part) => mount + part),
    );
  });
}

function mounts(id: string, controllers: string): string[] {
  if (id === '0' && controllers === '') return ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'];
  if (!controllers.split(',').includes('cpu')) return [];
  return [
    ...new Set([
      `/sys/fs/cgroup/${controllers}`,
      '/sys/fs/cgroup/cpu',
      '/sys/fs/cgroup/cpu,cpuacct',
    ]),
  ];
}

/**
 * `/a/b` as `/a/b`, `/a` and the mount itself. A container may show the host's path although its own group is mounted
 * at the root: the walk up finds it there.
 */
function withParents(path: string): string[] {
  const parts = posix
    .normalize(path)
    .split('/')
    .filter((part) => part !== '' && part !== '..');
  return parts
    .reduceRight<string[]>(
      (found, _, index) => [...found, `/${parts.slice(0, index + 1).join('/')}`],
      [],
    )
    .concat('');
}

/** `150000 100000` is 1.5 CPUs; `max 100000` is no quota. */
function parseV2(text: string | undefined): number | undefined {
  const [quota, period] = (text ?? '').trim().split(/\s+/);
  return ratio(quota, period);
}

/** A quota of -1 is none. */
function parseV1(quota: string | undefined, period: string | undefined): number | undefined {
  return ratio(quota?.trim(), period?.trim());
}

function ratio(quota: string | undefined, period: string | undefined): number | undefined {
  const cpus = Number(quota) / Number(period);
  return Number.isFinite(cpus) && cpus > 0 ? cpus : undefined;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // no cgroups here, or not this version of them
  }
}
