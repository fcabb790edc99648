/**
 * Gives suspects a child process of their own, one suspect at a time: what dies there was the suspect's doing, and harms
 * nobody else.
 *
 *     none --asked--> busy --done--> none
 *
 * Each has a fresh one, though starting it takes about half a second: what an earlier suspect left behind, such as
 * memory, would be blamed on the next.
 */
import type { Logger } from 'pino';
import type { Suspect } from '../runtime/supervised.ts';
import { journalKey } from '../threads/journal-record.ts';
import type { Child } from './child.ts';
import type { Fleet } from './fleet.ts';

/** What it works with. */
export interface SolitaryChildOptions {
  readonly fleet: Pick<Fleet, 'tryLaunch' | 'settledOf' | 'isClosing'>;
  readonly logger: Logger;
  /** Counts a suspect that was taken. */
  onIsolated(): void;
}

/** Runs suspects alone. */
export class SolitaryChild {
  readonly #options: SolitaryChildOptions;
  #child: Child | undefined;
  #isBusy = false;

  constructor(options: SolitaryChildOptions) {
    this.#options = options;
  }

  /** A child asks for its suspect to be run elsewhere; it is answered in any case. */
  async ask(asker: Child, call: number, suspect: Suspect): Promise<void> {
    const isTaken = !this.#isBusy && !this.#options.fleet.isClosing && (await this.#take(suspect));
    asker.send({ kind: 'isolated', call, isTaken });
  }

  /** The solitary child has done with its suspect. */
  onIdle(child: Child): void {
    if (child !== this.#child) return;
    this.onGone(child);
    child.end('shutdown');
  }

  /** A child is gone. */
  onGone(child: Child): void {
    if (child !== this.#child) return;
    this.#child = undefined;
    this.#isBusy = false;
  }

  async #take(suspect: Suspect): Promise<boolean> {
    this.#isBusy = true;
    const { fleet, logger, onIsolated } = this.#options;
    const child = fleet.tryLaunch(true);
    this.#child = child;
    if (child === undefined || !(await child.ready)) {
      logger.error('no process for a suspect: none could be started');
      this.#isBusy = false;
      return false;
    }
    const answer = await child.adopt(suspect);
    // It died before it answered: had it taken the task, then it was settled as one of the dead child's.
    const isTaken = answer ?? (await fleet.settledOf(child)).has(journalKey(suspect));
    if (!isTaken) {
      this.onIdle(child);
      return false;
    }
    const { queue, taskId } = suspect;
    logger.warn({ childPid: child.pid, queue, taskId }, 'suspect runs in a process of its own');
    onIsolated();
    return true;
  }
}
