/** What producers ask of Redis: storing tasks. */

/** When a task becomes due: at an instant (milliseconds since 1970), or after some milliseconds by Redis's clock. */
export type EntryDue = { readonly at: number } | { readonly in: number };

/** One encoded message on its way into a queue. */
export interface EnqueueEntry {
  readonly taskId: string;
  readonly message: Uint8Array;
  /** Absent = now. Rounded up to whole seconds. */
  readonly when?: EntryDue;
  /** The lock to be taken. Its time runs from the instant at which the task is due. */
  readonly unique?: { readonly key: string; readonly seconds: number };
  /** Name of the group to be added to. Not together with `when`. */
  readonly group?: string;
  /** A task with this ID that is archived or completed makes room. Default false: it is a conflict. */
  readonly replaceArchived?: boolean;
}

/**
 * What became of one entry. `conflict`: the ID exists, in this state (empty when nobody can tell). `duplicate`: the lock
 * is held, by this task (empty when nobody can tell). `refused`: Redis refused this one for a reason of its own.
 * Instants in milliseconds by Redis's clock.
 */
export type EnqueueReply =
  | { readonly status: 'pending' | 'scheduled' | 'aggregating'; readonly at: number }
  | { readonly status: 'conflict'; readonly state: string }
  | { readonly status: 'duplicate'; readonly holder: string }
  | { readonly status: 'refused'; readonly error: Error };

/**
 * Names a call of `enqueue`. When its reply was lost, a repeat under the same name gets the answer that the call got, and
 * stores nothing again, even if the tasks have been run and deleted meanwhile; a call that did not come through is
 * carried out.
 */
export interface EnqueueCall {
  /** Any text of its own. */
  readonly caller: string;
  /** Calls on their way at once have different slots. */
  readonly slot: number;
  /** Grows from call to call of a caller. */
  readonly number: number;
  /** The place, from 1, of the one task that is repeated out of a larger call. Absent: the call as it was. */
  readonly place?: number;
  /** How long the answer is kept, in seconds. Default: five minutes longer than `withinMs`. */
  readonly keptSeconds?: number;
  /** How long to wait for connection and reply together, in milliseconds. */
  readonly withinMs: number;
}
