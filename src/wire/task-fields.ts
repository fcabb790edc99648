/**
 * Fields of a task's hash that are Threadmill's own. asynq keeps them over every transition but deletion, and ignores
 * them (protocol, section 27). The scripts spell them out; a test keeps both lists equal.
 */

/** Who leased the task last: a server's UUID. Go leaves it behind when it takes a task over. */
export const OWNER_FIELD = 'tm_owner';
/** The score that the owner wrote last into `lease`. A server in Go that takes the task over writes another one there. */
export const LEASE_FIELD = 'tm_lease';
/** `1` while somebody wants the running attempt canceled; goes when the attempt ends, and when the next begins. */
export const CANCEL_FIELD = 'tm_cancel';
/** How many threads or processes died while they ran this task alone. */
export const CRASHES_FIELD = 'tm_crashes';
/** `1` once a process died while it ran this task beside others. */
export const SUSPECT_FIELD = 'tm_suspect';
