/** What the makers of a server other than its users say about it. */
import type { Supervised } from './supervised.ts';

/** For the children of `threadmill serve`, and for benchmarks. */
export interface ServerInternals {
  /** Absent in a library's server. */
  readonly supervised?: Supervised | undefined;
  /** Most tasks of one message to a thread. Fewer than there may be only show what a message costs. */
  readonly tasksPerMessage?: number | undefined;
}
