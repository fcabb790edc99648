/** Starts a private Redis server for this process, or shares the one that another process started in the folder. */
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { EmbeddedRedisError, toError } from '../errors.ts';
import { makeTemporaryFolder } from './begin-run.ts';
import { type EnteredRun, enterRun } from './enter-run.ts';
import { ensureServer } from './install-server.ts';
import { leaveRun } from './leave-run.ts';
import { sharedRedisFolder } from './shared-redis-url.ts';

export { sharedRedisUrl } from './shared-redis-url.ts';

/** What to start. */
export interface EmbeddedRedisOptions {
  /** True: data in an append-only file in `folder`, shared by all that start there. False: a server of one's own in a temporary folder, gone at the end. */
  readonly persistent: boolean;
  /** Where the data lies when persistent. Default: `.threadmill/redis` in the current folder. */
  readonly folder?: string;
  /** Told one line before a server is installed. */
  readonly onInstall?: (line: string) => void;
  /** The server program. Default: the one that is found, or installed. */
  readonly serverPath?: string;
}

/** A private server that answers. It ends when the last process that holds it stops, exits or is killed. */
export interface EmbeddedRedis {
  /** `redis-socket:///abs/path.sock`, percent-encoded. */
  readonly url: string;
  /** The path of its unix socket. */
  readonly socket: string;
  /** Lets go of it. Resolves when the server is gone, or still used by others; after 10 s in any case. */
  stop(): Promise<void>;
}

/** Starts or shares a server. Fails with `ERR_EMBEDDED_REDIS`, which says what to do. Not on Windows. */
export async function startEmbeddedRedis(options: EmbeddedRedisOptions): Promise<EmbeddedRedis> {
  const { persistent: isPersistent, onInstall } = options;
  const serverPath = options.serverPath ?? (await ensureServer({ onInstall })).path;
  const root = isPersistent ? prepareFolder(options.folder) : makeTemporaryFolder();
  try {
    return handleOf(await enterRun({ root, serverPath, isPersistent }));
  } catch (error) {
    if (!isPersistent) rmSync(root, { recursive: true, force: true });
    if (error instanceof EmbeddedRedisError) throw error;
    const { message } = toError(error);
    throw new EmbeddedRedisError(`no private Redis in ${root}: ${message}`, { cause: error });
  }
}

function handleOf(run: EnteredRun): EmbeddedRedis {
  let stopped: Promise<void> | undefined;
  return {
    url: run.url,
    socket: run.socket,
    stop: () => {
      stopped ??= leaveRun(run);
      return stopped;
    },
  };
}

/** The data may hold anything: the folder is for this user only. */
function prepareFolder(folder: string = sharedRedisFolder(process.cwd())): string {
  const root = resolve(folder);
  mkdirSync(root, { recursive: true, mode: 0o700 });
  chmodSync(root, 0o700);
  return root;
}
