/** What is asked of Redis to change a task that waits. */
import type { EntryDue } from './enqueuing.ts';
import type { StoredTask } from './inspecting.ts';

/** A task that is to become due at another time. */
export interface RescheduleCall {
  readonly queue: string;
  readonly taskId: string;
  /** Absent = now. Rounded up to whole seconds. */
  readonly when?: EntryDue;
}

/** A message that is to take the place of the one that was read. */
export interface ReplaceMessageCall {
  readonly queue: string;
  readonly taskId: string;
  /** As it was read: where another stands there by now, nothing is written. */
  readonly old: Uint8Array;
  readonly message: Uint8Array;
  /** Of a unique task: the key in the old message, and the one in the new. The lock moves if the task still holds it. */
  readonly lock?: { readonly from: string; readonly to: string };
}

/** `gone`: there is no such task; `state`: it cannot be changed in this state. */
export type RescheduleReply =
  | { readonly status: 'done'; readonly task: StoredTask }
  | { readonly status: 'gone' }
  | { readonly status: 'state'; readonly state: string };

/** `changed`: another message stands there; `duplicate`: this task holds the new lock (empty when nobody can tell). */
export type ReplaceMessageReply =
  | RescheduleReply
  | { readonly status: 'changed' }
  | { readonly status: 'duplicate'; readonly holder: string };
