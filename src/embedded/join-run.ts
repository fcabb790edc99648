/** Joins a run that another process began, or says that it is too late for that. */
import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EmbeddedRedisError } from '../errors.ts';
import { hasCode, isEnding, isRunning, openPipe } from './runs.ts';

const ANSWER_TIMEOUT_MS = 10_000;
const POLL_MS = 5;

/**
 * A descriptor that keeps the run in this folder alive until it is closed; undefined when the run is over or ending.
 * Opening the pipe is not enough: the watch script may have seen its end a moment before. It answers those only
 * whose line it still reads.
 */
export async function joinRun(folder: string): Promise<number | undefined> {
  const pipe = openPipe(folder);
  if (pipe === undefined) return undefined;
  const answer = `join-${randomUUID()}`;
  const isIn = say(pipe, `${answer}\n`) && (await isAnswered(folder, answer));
  rmSync(join(folder, answer), { force: true });
  if (isIn) return pipe;
  closeSync(pipe);
  return undefined;
}

function say(pipe: number, line: string): boolean {
  try {
    writeSync(pipe, line);
    return true;
  } catch (error) {
    if (hasCode(error, 'EPIPE')) return false; // over since it was opened
    throw error;
  }
}

async function isAnswered(folder: string, answer: string): Promise<boolean> {
  const giveUpAt = performance.now() + ANSWER_TIMEOUT_MS;
  while (performance.now() < giveUpAt) {
    if (existsSync(join(folder, answer))) return true;
    if (isEnding(folder) || !isRunning(folder)) return false;
    await delay(POLL_MS);
  }
  throw new EmbeddedRedisError(
    `the private Redis of ${folder} runs, but nothing watches over it: end the process in its file redis.pid, then start again`,
  );
}
