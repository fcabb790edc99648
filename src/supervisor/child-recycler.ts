/**
 * Replaces children that have grown, one at a time and never with one child fewer: the successor is ready before the old
 * one stops pulling; it then finishes what it runs, however long that takes, and ends.
 */
import type { Logger } from 'pino';
import { recycleDue, type RecycleLimits } from '../policy/recycle.ts';
import type { Child } from './child.ts';
import type { Fleet } from './fleet.ts';

/** What it works with. */
export interface ChildRecyclerOptions {
  readonly fleet: Pick<Fleet, 'tryLaunch' | 'replace' | 'hasPlace' | 'isClosing'>;
  readonly limits: RecycleLimits | undefined;
  readonly logger: Logger;
}

/** After a successor that could not start. */
const RETRY_MS = 30_000;

/** Looks at each child when it gives a sign of life. */
export class ChildRecycler {
  readonly #options: ChildRecyclerOptions;
  #isReplacing = false;
  #notBefore = 0;

  constructor(options: ChildRecyclerOptions) {
    this.#options = options;
  }

  /** Begins to replace the child if it is due, and no other is being replaced. */
  look(child: Child): void {
    const { fleet, limits } = this.#options;
    if (limits === undefined || this.#isReplacing || performance.now() < this.#notBefore) return;
    if (fleet.isClosing || child.beat === undefined || !fleet.hasPlace(child)) return;
    const { tasksDone: tasks, rssBytes } = child.beat;
    const reason = recycleDue({ tasks, rssBytes, ageMs: child.uptimeMs }, limits);
    if (reason !== undefined) void this.#replace(child, reason);
  }

  async #replace(old: Child, reason: 'tasks' | 'rss' | 'age'): Promise<void> {
    const { fleet, logger } = this.#options;
    this.#isReplacing = true;
    logger.info({ childPid: old.pid, reason, ...figuresOf(old) }, 'replacing child process');
    const successor = fleet.tryLaunch(false);
    if (successor === undefined || !(await successor.ready)) {
      logger.error({ childPid: old.pid }, 'the successor could not start: the child is kept');
      this.#notBefore = performance.now() + RETRY_MS;
    } else if (fleet.replace(old, successor, `recycled_${reason}`)) {
      old.end('retire');
      await old.ended;
    } else {
      successor.end('shutdown'); // the old one died meanwhile, and another has its place
    }
    this.#isReplacing = false;
  }
}

function figuresOf({ beat, uptimeMs }: Child): object {
  return { tasksDone: beat?.tasksDone, rssBytes: beat?.rssBytes, ageMs: Math.round(uptimeMs) };
}
