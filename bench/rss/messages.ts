/** What the process whose memory is measured is told, and what it answers. */

/** Given as JSON in its first argument. */
export interface RssPlan {
  readonly redisUrl: string;
  readonly queue: string;
  readonly threads: number;
  readonly handlers: string;
  /** Tasks between two samples. */
  readonly step: number;
  /** Tasks in all, the first ones that are not measured included. */
  readonly count: number;
  /** Ends earlier after this time, but not before so many samples. */
  readonly limitMs: number;
  readonly fewest: number;
}

/** One look at a runtime that has come to rest. Sent over IPC. */
export interface RssSample {
  /** Tasks that it has settled. */
  readonly tasks: number;
  readonly rssBytes: number;
  /** The main thread's heap after a forced collection. */
  readonly heapBytes: number;
  /** Buffers outside of the heap, of all threads. */
  readonly externalBytes: number;
}
