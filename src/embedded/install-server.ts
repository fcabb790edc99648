/** Installs a Redis server with the system's package manager, where that needs no question. */
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { EmbeddedRedisError, toError } from '../errors.ts';
import { type FoundServer, findServer } from './find-server.ts';
import {
  commandToType,
  type InstallPlan,
  planInstall,
  type SystemFacts,
} from './package-manager.ts';

/** How to find or get a server. */
export interface EnsureServerOptions {
  /** Told one line before something is installed. Default: nobody is told. */
  readonly onInstall?: ((line: string) => void) | undefined;
  /** How a server is looked for. Default: `findServer`. */
  readonly find?: () => Promise<FoundServer | undefined>;
  /** The system to install on. Default: this one. */
  readonly system?: SystemFacts;
}

const COMMAND_TIMEOUT_MS = 10 * 60_000;
const MANAGER_FOLDERS = ['/usr/bin', '/sbin', '/opt/homebrew/bin', '/usr/local/bin'];

/**
 * The server to start; installs one when there is none. Fails with `ERR_EMBEDDED_REDIS` and the exact command to type
 * when it may not, or when installing did not help.
 */
export async function ensureServer(options: EnsureServerOptions = {}): Promise<FoundServer> {
  const { find = findServer, system = thisSystem(), onInstall } = options;
  const found = await find();
  if (found?.isNewEnough) return found;
  const plan = planInstall(system);
  if (plan === undefined) throw new EmbeddedRedisError(explainMissing(found, system));
  onInstall?.(`No Redis server on this machine: installing one with ${plan.manager}.`);
  return await install(plan, find, system);
}

async function install(
  plan: InstallPlan,
  find: () => Promise<FoundServer | undefined>,
  system: SystemFacts,
): Promise<FoundServer> {
  const release = await holdService(plan);
  let failure: Error | undefined;
  try {
    for (const args of plan.commands) {
      failure = await run(plan.manager, args, plan.environment);
      const found = await find();
      if (found?.isNewEnough) return found;
    }
  } finally {
    await release();
  }
  const tail = failure ? `\n${failure.message}` : '';
  const text = `${explainMissing(await find(), system)} (${plan.manager} did not help)${tail}`;
  throw new EmbeddedRedisError(text, failure && { cause: failure });
}

/** A package that starts a service of its own would take port 6379; ours is private, so that service stays off. */
async function holdService(plan: InstallPlan): Promise<() => Promise<void>> {
  const { service } = plan;
  if (service === undefined || !existsSync('/run/systemd/system')) return async () => {};
  await run('systemctl', ['mask', '--runtime', service]);
  return async () => {
    await run('systemctl', ['unmask', '--runtime', service]);
    await run('systemctl', ['disable', service]);
  };
}

/** Runs a command without a terminal; the error it failed with, with the end of its output, else undefined. */
async function run(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Error | undefined> {
  const env = { ...process.env, ...environment };
  return await new Promise((resolve) => {
    const child = execFile(
      program,
      args,
      { env, timeout: COMMAND_TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error === null) return resolve(undefined);
        const output = `${stdout}\n${stderr}`.trim().split('\n').slice(-10).join('\n');
        resolve(new Error(`${program} ${args.join(' ')}: ${output || toError(error).message}`));
      },
    );
    child.stdin?.end();
  });
}

function explainMissing(found: FoundServer | undefined, system: SystemFacts): string {
  const what = found
    ? `${found.product} ${found.version} at ${found.path} is too old`
    : 'no redis-server or valkey-server found on this machine';
  return `${what}: Threadmill needs Redis 6.2 or later, or Valkey 7.2 or later. To install one, type:\n\n    ${commandToType(system)}\n\nOr set REDIS_URL to a server that runs elsewhere.`;
}

function thisSystem(): SystemFacts {
  return { platform: process.platform, isRoot: process.getuid?.() === 0, hasProgram };
}

function hasProgram(name: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...MANAGER_FOLDERS];
  return folders.some((folder) => folder !== '' && isExecutable(join(folder, name)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // not there, or not for this user
  }
}
