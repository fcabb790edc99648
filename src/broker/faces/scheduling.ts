/** What schedulers ask of Redis: who leads an entry, and what tools see of it. Instants in milliseconds since 1970. */

/** One entry on its way to being led. */
export interface ScheduleClaim {
  readonly entryId: string;
  /** Up to where the caller knows the ticks to be done; absent when it knows nothing. */
  readonly doneAt?: number;
  /** The last tick that the caller knows to be enqueued. */
  readonly previousAt?: number;
}

/** Claims of one scheduler. */
export interface LeadCall {
  /** `host:pid:uuid`. */
  readonly scheduler: string;
  /** How long the caller leads what it is given. 0 = it gives back what it leads. */
  readonly leaseMs: number;
  readonly claims: readonly ScheduleClaim[];
}

/** How one entry stands, in the order of the claims. */
export interface LedEntry {
  /** The caller leads it. */
  readonly isLed: boolean;
  /** All ticks up to here are done, as far as Redis knows. */
  readonly doneAt: number;
  /** The last tick that was enqueued. */
  readonly previousAt?: number;
  /** The scheduler that led it before and did not give it back: it died, or was cut off. */
  readonly takenFrom?: string;
}

/** Answer of `lead`. */
export interface LeadReply {
  /** Redis's clock. */
  readonly now: number;
  readonly entries: readonly LedEntry[];
}

/** The list of one scheduler as asynq's tools read it; each entry encoded by wire/scheduler-entry. */
export interface ScheduleList {
  /** `host:pid:uuid`. */
  readonly scheduler: string;
  readonly entries: readonly Uint8Array[];
  readonly ttlSeconds: number;
}

/** One enqueue of an entry for its history. */
export interface ScheduleNote {
  readonly entryId: string;
  readonly at: number;
  /** Encoded by wire/scheduler-entry. The same bytes are kept once. */
  readonly event: Uint8Array;
  readonly ttlSeconds: number;
}

/** The calls of schedulers. */
export interface SchedulingCalls {
  /** Takes, keeps or gives back the lead of schedule entries: of each at most one scheduler has it. */
  lead(call: LeadCall): Promise<LeadReply>;
  /** Shows a scheduler's entries to the fleet's tools (protocol 12.5). */
  listSchedule(list: ScheduleList): Promise<void>;
  /** Takes a scheduler out of their sight (protocol 12.6). */
  unlistSchedule(scheduler: string): Promise<void>;
  /** Notes an enqueue in the history of an entry (protocol 12.7). */
  noteEnqueue(note: ScheduleNote): Promise<void>;
}
