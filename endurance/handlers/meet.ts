/** Ends only when as many of its kind run at once as it is told: shows that as many threads are there. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Task } from '../../src/handler.ts';

/** Where they meet, and how many. */
export interface Meeting {
  readonly folder: string;
  readonly count: number;
}

const LOOK_MS = 5;
const LIMIT_MS = 120_000;

/** The handler of `meet`. */
export default async function meet(task: Task<Meeting>): Promise<void> {
  const { folder, count } = task.json();
  const giveUpAt = performance.now() + LIMIT_MS;
  writeFileSync(join(folder, task.id), '');
  while (readdirSync(folder).length < count) {
    if (performance.now() > giveUpAt) throw new Error(`never ${count} at once`);
    await sleep(LOOK_MS);
  }
}
