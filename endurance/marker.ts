/** How a task says that its code runs, and how what it starts is told from other processes. */
import { randomInt } from 'node:crypto';

/** Payload of handlers that leave a file named as their task, and start processes. */
export interface Marked {
  readonly folder: string;
  /** What `sleep` is told: a time like no other. */
  readonly seconds: string;
}

/** A time to sleep that no other process sleeps. */
export function uniqueSeconds(): string {
  return `600.${randomInt(1e8, 1e9)}`;
}
