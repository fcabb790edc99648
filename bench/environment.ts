/** What the figures were measured on: absolute ones mean nothing without it. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Machine and versions. */
export interface Environment {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  /** Processes that wanted to run, averaged over a minute, before the first measure. */
  readonly load: number;
  /** By name: node, redis, and the packages that compete. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Looks at the machine. `redis` as the server names itself, e.g. `redis 7.0.15`. */
export function environment(redis: string): Environment {
  const [load = 0] = loadavg();
  const [product = 'redis', redisVersion = '?'] = redis.split(' ');
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()} ${arch()}`,
    load: Math.round(load * 100) / 100,
    versions: {
      threadmill: versionAbove(fileURLToPath(import.meta.url), 'threadmill'),
      node: process.versions.node,
      [product]: redisVersion,
      bullmq: packageVersion('bullmq'),
      piscina: packageVersion('piscina'),
      ioredis: packageVersion('ioredis'),
    },
  };
}

function packageVersion(name: string): string {
  return versionAbove(createRequire(import.meta.url).resolve(name), name);
}

/** Version in the nearest `package.json` above `file` that has this name. */
function versionAbove(file: string, name: string): string {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const path = join(folder, 'package.json');
    if (!existsSync(path)) continue;
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as { name?: string; version?: string };
    if (manifest.name === name) return manifest.version ?? 'unknown';
  }
  return 'unknown';
}
