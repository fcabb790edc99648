/** What a server in a child process has to do with its supervisor. Absent for a server used as a library. */

import type { Holder } from '../broker/broker.ts';

/** A task that is to run alone, as one process hands it to another. */
export interface Suspect {
  readonly queue: string;
  readonly taskId: string;
  /** Who holds its lease. */
  readonly holder: Holder;
}

/** The supervisor as the server sees it. */
export interface Supervised {
  /** File descriptor of the journal (threads/journal-record). */
  readonly journalFd: number;
  /** This server takes no tasks from queues: it runs what `Server.adopt` gives it, one at a time. */
  readonly isSolitary: boolean;
  /**
   * Asks for the suspect to be run in a process of its own. `true`: a process there has adopted it, so that it is not
   * ours any more. `false`: there is no room now. Never rejects.
   */
  isolate(suspect: Suspect): Promise<boolean>;
}
