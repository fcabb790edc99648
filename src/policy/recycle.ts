/** Decides when a thread or a process that has grown is to be replaced. */

/** Limits; it is replaced at the first one it reaches. None: never. */
export interface RecycleLimits {
  /** Tasks it has run. */
  readonly tasks?: number;
  /** Resident memory of its process. */
  readonly rssBytes?: number;
  readonly ageMs?: number;
}

/** What is known of it. */
export interface Grown {
  readonly tasks: number;
  readonly rssBytes: number;
  readonly ageMs: number;
}

/** Which limit is reached, for the log; `undefined` when none is. */
export function recycleDue(
  grown: Grown,
  limits: RecycleLimits,
): 'tasks' | 'rss' | 'age' | undefined {
  if (limits.tasks !== undefined && grown.tasks >= limits.tasks) return 'tasks';
  if (limits.rssBytes !== undefined && grown.rssBytes >= limits.rssBytes) return 'rss';
  if (limits.ageMs !== undefined && grown.ageMs >= limits.ageMs) return 'age';
  return undefined;
}
