/** `threadmill serve` as a real process with real children, read by its log, and ways to look at what it did. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { Client, type EnqueueOptions } from '../../src/index.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { type CliRun, emptyFolder, startCli } from '../cli/process.ts';
import { fixture } from '../helpers/paths.ts';
import { type TestRedis, useRedis } from '../helpers/redis.ts';
import { type LogRecord, until } from '../helpers/server.ts';

/** Generous: a test machine may start processes slowly. */
export const LONG_MS = 60_000;

/** A running `threadmill serve`. */
export interface RunningFleet {
  readonly run: CliRun;
  readonly url: string;
  readonly queue: string;
  readonly records: readonly LogRecord[];
  /** Resolves with the first line that fits, past or to come. */
  says(fits: (record: LogRecord) => boolean, limitMs?: number): Promise<LogRecord>;
  /** Process IDs of the children that were started, oldest first. */
  childPids(): number[];
  /** Resolves when a thread has begun the task; answers the child's process ID. */
  begins(taskId: string): Promise<number>;
  enqueue(type: string, options?: EnqueueOptions, payload?: unknown): Promise<string>;
  /** The fields of the task's hash that say what became of it. */
  fields(taskId: string): Promise<Record<string, string>>;
  metrics(): Promise<string>;
}

/** Fleets on one private Redis; all are ended after the tests of the file. */
export interface Fleets {
  readonly redis: TestRedis;
  readonly client: Client;
  start(queue: string, env?: NodeJS.ProcessEnv, program?: string): Promise<RunningFleet>;
}

/** Prepares. Retries come after 100 ms, the grace is short, nothing is written but to the log. */
export async function useFleets(): Promise<Fleets> {
  const redis = await useRedis();
  const client = new Client({ redis: redis.url });
  after(() => client.close());
  return {
    redis,
    client,
    async start(queue, env = {}, program) {
      const cwd = emptyFolder();
      const config = 'export default { retryDelay: () => 100 };';
      writeFileSync(join(cwd, 'threadmill.config.mjs'), config);
      const run = startCli(program === undefined ? ['serve'] : [], {
        cwd,
        env: { ...basics(redis, queue), ...env },
        ...(program === undefined ? {} : { program }),
      });
      const fleet = readFleet(run, { redis, client, queue });
      after(() => killLeftovers(fleet.childPids()));
      const { url } = await fleet.says(({ msg }) => msg === 'HTTP server listens', LONG_MS);
      const running = {
        ...fleet,
        url: String(url),
        metrics: () => textOf(`${String(url)}/metrics`),
      };
      const wanted = Number(env['PROCESSES'] ?? 1);
      await until(() => countOf(fleet.records, 'child process is ready') >= wanted, LONG_MS);
      return running;
    },
  };
}

function basics(redis: TestRedis, queue: string): NodeJS.ProcessEnv {
  return {
    REDIS_URL: redis.url,
    HANDLERS: fixture('fleet'),
    QUEUES: queue,
    CONCURRENCY: '1',
    HTTP_PORT: '0',
    LOG_LEVEL: 'debug',
    CANCEL_GRACE: '200',
    SHUTDOWN_TIMEOUT: '300',
    FORWARD_INTERVAL: '50',
  };
}

function readFleet(
  run: CliRun,
  { redis, client, queue }: { redis: TestRedis; client: Client; queue: string },
): Omit<RunningFleet, 'url' | 'metrics'> {
  const records: LogRecord[] = [];
  let rest = '';
  run.child.stdout.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    records.push(...lines.flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : [])));
  });
  const says: RunningFleet['says'] = async (fits, limitMs = LONG_MS) => {
    let found: LogRecord | undefined;
    await until(() => {
      found = records.find(fits);
      if (found === undefined && run.child.exitCode !== null) {
        throw new Error(`serve ended: ${JSON.stringify(records.slice(-5))}`);
      }
      return found !== undefined;
    }, limitMs);
    return found ?? { level: 0, msg: '' };
  };
  return {
    run,
    queue,
    records,
    says,
    childPids: () =>
      records
        .filter(({ msg }) => msg === 'child process started')
        .map(({ childPid }) => Number(childPid)),
    begins: async (taskId) => {
      const record = await says(({ msg, task }) => msg === 'task started' && idOf(task) === taskId);
      return Number(record['pid']);
    },
    enqueue: async (type, options = {}, payload) => {
      const task = { type, ...(payload === undefined ? {} : { payload }) };
      return (await client.enqueue(task, { queue, retention: '1h', ...options })).id;
    },
    fields: async (taskId) => {
      const hash = await redis.client.hgetall(`${queueKeys(queue).taskPrefix}${taskId}`);
      const info = await client.getTask({ queue, id: taskId });
      const { msg: _bytes, ...others } = hash;
      return { ...others, retried: String(info?.retried), lastError: info?.lastError ?? '' };
    },
  };
}

/** Children end with their supervisor by themselves, save one that a failed test has left stopped. */
function killLeftovers(pids: readonly number[]): void {
  const ours = processesWith('child-main.js').filter((pid) => pids.includes(pid));
  for (const pid of ours) process.kill(pid, 'SIGKILL');
}

/** The ID of the task that a line names. */
export function idOf(task: unknown): string | undefined {
  return (task as { readonly id?: string } | undefined)?.id;
}

export function countOf(records: readonly LogRecord[], msg: string): number {
  return records.filter((record) => record.msg === msg).length;
}

export async function textOf(url: string): Promise<string> {
  return (await fetch(url)).text();
}

/** Whether a process lives; one that nobody has waited for yet is dead. */
export function isAlive(pid: number): boolean {
  return processes().some((each) => each.pid === pid);
}

/** Process IDs of all living processes whose command line holds this text. */
export function processesWith(text: string): number[] {
  return processes()
    .filter(({ args }) => args.includes(text))
    .map(({ pid }) => pid);
}

function processes(): { pid: number; args: string }[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,stat=,args='], { encoding: 'utf8' }).split('\n');
  return lines.flatMap((line) => {
    const [, pid, state, args] = /^\s*(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    return pid === undefined || state?.startsWith('Z')
      ? []
      : [{ pid: Number(pid), args: args ?? '' }];
  });
}
