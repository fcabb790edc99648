/** Takes its time, beside whatever happens to its process. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Task } from '../../src/handler.ts';
import type { Marked } from '../marker.ts';

const TAKES_MS = 500;

/** The handler of `neighbour`. */
export default async function neighbour(task: Task<Marked>): Promise<void> {
  writeFileSync(join(task.json().folder, task.id), '');
  await sleep(TAKES_MS);
}
