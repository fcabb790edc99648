/**
 * Fields of a task's hash that are Threadmill's own. asynq keeps them over every transition but deletion, and ignores
 * them (protocol, section 27). The scripts spell them out; a test keeps both lists equal.
 */

/**
 * Whose the lease is: `<server> <run> <expiry>`, see `wire/lease-token`. A server in Go that takes the task over leaves it
 * behind, but writes another score into `lease` than the expiry that stands here.
 */
export const LEASE_FIELD = 'threadmill_lease';
/** `1` once a thread has begun the attempt; noted at most a second later. */
export const BEGUN_FIELD = 'threadmill_begun';
/** `1` while somebody wants the running attempt canceled; goes when the attempt ends, and when the next begins. */
export const CANCEL_FIELD = 'threadmill_cancel';
/** How many threads or processes died while they ran this task alone. */
export const CRASHES_FIELD = 'threadmill_crashes';
/** `1` once a process died while it ran this task beside others. */
export const SUSPECT_FIELD = 'threadmill_suspect';
/** How often in a row the task was recovered before it was noted as begun. */
export const RETURNS_FIELD = 'threadmill_returns';
/** The running attempt: since when, and where; noted together with `threadmill_begun`. See wire/task-records for this and the next ones. */
export const STARTED_FIELD = 'threadmill_started';
/** The last attempts. None is there before the first has ended, nor beside a task that is deleted when it has succeeded. */
export const ATTEMPTS_FIELD = 'threadmill_attempts';
/** What the handler reported last; goes when the next attempt is leased. */
export const PROGRESS_FIELD = 'threadmill_progress';
/** The handler's last log lines; go when the next attempt is leased. */
export const LOG_FIELD = 'threadmill_log';
/** Milliseconds that the successful run of a completed task took. */
export const RUN_MS_FIELD = 'threadmill_run_ms';
