/** Finds a Redis or Valkey server on this machine that is new enough. */
import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

/** A server program on this machine. */
export interface FoundServer {
  /** Absolute path of the program. */
  readonly path: string;
  readonly product: 'Redis' | 'Valkey';
  /** As the program says it, e.g. `7.0.15`. */
  readonly version: string;
  /** True for Redis 6.2 or later and Valkey 7.2 or later. */
  readonly isNewEnough: boolean;
}

/** Where to look. */
export interface FindServerOptions {
  /** Searched first, in the form of the variable `PATH`. Default: that variable. */
  readonly searchPath?: string;
  /** Searched after it. Default: where package managers put programs. */
  readonly folders?: readonly string[];
}

const NAMES = ['redis-server', 'valkey-server'];
const USUAL_FOLDERS = [
  '/usr/local/bin',
  '/usr/bin',
  '/usr/sbin',
  '/opt/homebrew/bin',
  '/home/linuxbrew/.linuxbrew/bin',
  '/opt/local/bin',
  '/snap/bin',
];
const VERSION_TIMEOUT_MS = 5000;

/** The first server that is new enough; without one, the first that is too old; else undefined. */
export async function findServer(
  options: FindServerOptions = {},
): Promise<FoundServer | undefined> {
  let tooOld: FoundServer | undefined;
  for (const path of candidates(options)) {
    const found = await inspect(path);
    if (found?.isNewEnough) return found;
    tooOld ??= found;
  }
  return tooOld;
}

/** Reads what a server program says about itself; undefined when it is not the output of Redis or Valkey. */
export function parseServerVersion(path: string, output: string): FoundServer | undefined {
  const match = /\bv=((\d+)\.(\d+)[\w.-]*)/.exec(output);
  if (match === null) return undefined;
  const [, version = '', major = '', minor = ''] = match;
  const product = /valkey/i.test(output) || path.endsWith('valkey-server') ? 'Valkey' : 'Redis';
  const [wantedMajor, wantedMinor] = product === 'Valkey' ? [7, 2] : [6, 2];
  const ahead = Number(major) - wantedMajor || Number(minor) - wantedMinor;
  return { path, product, version, isNewEnough: ahead >= 0 };
}

function candidates({ searchPath, folders }: FindServerOptions): string[] {
  const fromPath = (searchPath ?? process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
  const all = new Set([...fromPath, ...(folders ?? USUAL_FOLDERS)]);
  return [...all].flatMap((folder) => NAMES.map((name) => join(folder, name)));
}

async function inspect(path: string): Promise<FoundServer | undefined> {
  try {
    await access(path, constants.X_OK);
    const { stdout } = await promisify(execFile)(path, ['--version'], {
      timeout: VERSION_TIMEOUT_MS,
    });
    return parseServerVersion(path, stdout);
  } catch {
    return undefined; // absent, not executable or broken: as if it were not there
  }
}
