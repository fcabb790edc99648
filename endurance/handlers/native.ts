/** Is in a call that nothing can interrupt, as its marker file says. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Task } from '../../src/handler.ts';
import type { Marked } from '../marker.ts';

/** The handler of `native`. */
export default function native(task: Task<Marked>): void {
  const { folder, seconds } = task.json();
  writeFileSync(join(folder, task.id), '');
  execFileSync('sleep', [seconds]);
}
