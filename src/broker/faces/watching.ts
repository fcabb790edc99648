/** How a server hears that there is something to do in a queue. */

/**
 * What servers do with queues: lease from them, move what is due to pending, recover lost tasks, give back and delete what
 * lost servers had staged, delete completed tasks, aggregate groups.
 */
export type Duty = 'lease' | 'forward' | 'recover' | 'reclaim' | 'expire' | 'aggregate';

/** Called with the queues of which something has changed that the duty reads; with `undefined` when any may have. */
export type OnQueues = (queues: readonly string[] | undefined) => void;

/** Tells when there may be something to do for one duty. */
export interface QueueWatch {
  /**
   * Looks at each of these queues, and has its next change told. Answers in how many milliseconds there will be something
   * to do, in the order of the queues: 0 = now, `Infinity` = not before a change. What changes while it looks is told as
   * well. A lost connection counts as a change of all queues. Throws `RedisReplyError` where Redis, or a proxy before it,
   * refuses; else as every call.
   */
  arm(queues: readonly string[]): Promise<readonly number[]>;
  close(): Promise<void>;
}
