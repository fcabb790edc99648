/**
 * The time limits of the calls that are on their way over one connection. One timer serves all of them: one each would
 * cost more than the rest of what a short call does here.
 */

/** A call on its way, between the one that began before it and the one that began after it. */
export interface Call {
  /** Instant of the monotonic clock. */
  readonly endsAt: number;
  /** Told once, if the call has not ended by then. */
  readonly onLate: () => void;
  before: Call | undefined;
  after: Call | undefined;
  hasEnded: boolean;
}

/** Calls on their way, as a list: a Set would make room anew every few calls. While there are any the timer keeps the process alive. */
export class CallDeadlines {
  #oldest: Call | undefined;
  #youngest: Call | undefined;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  /** What the timer was set for; it is left to run when that call ends. */
  #firesAt = Number.POSITIVE_INFINITY;
  #onAllEnded: (() => void)[] = [];

  /** Adds a call that may take so many milliseconds. */
  begin(withinMs: number, onLate: () => void): Call {
    const before = this.#youngest;
    const endsAt = performance.now() + withinMs;
    const call: Call = { endsAt, onLate, before, after: undefined, hasEnded: false };
    this.#youngest = call;
    if (before === undefined) this.#oldest = call;
    else before.after = call;
    if (endsAt < this.#firesAt) this.#set(endsAt);
    else if (before === undefined) this.#timer?.ref();
    return call;
  }

  /** Takes out a call; one that was late may end once more. */
  end(call: Call): void {
    if (call.hasEnded) return;
    call.hasEnded = true;
    const { before, after } = call;
    if (before === undefined) this.#oldest = after;
    else before.after = after;
    if (after === undefined) this.#youngest = before;
    else after.before = before;
    // An old one must not keep those alive that came after it.
    call.before = undefined;
    call.after = undefined;
    if (this.#oldest !== undefined) return;
    this.#timer?.unref();
    if (this.#onAllEnded.length === 0) return;
    for (const onAllEnded of this.#onAllEnded.splice(0)) onAllEnded();
  }

  /** Waits until no call is on its way. */
  async allEnded(): Promise<void> {
    if (this.#oldest === undefined) return;
    await new Promise<void>((resolve) => {
      this.#onAllEnded.push(resolve);
    });
  }

  /** For when no call will come any more: frees the timer. */
  stop(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#timer = undefined;
    this.#firesAt = Number.POSITIVE_INFINITY;
  }

  #set(at: number): void {
    clearTimeout(this.#timer);
    this.#firesAt = at;
    // Rounded up: Node's timers may otherwise come up to a millisecond early, and find nobody late.
    this.#timer = setTimeout(() => this.#fireBehindReplies(), Math.ceil(at - performance.now()));
  }

  /** A loop that was held up for longer than calls may take has replies at its sockets that it has yet to read. */
  #fireBehindReplies(): void {
    clearImmediate(this.#immediate);
    this.#immediate = setImmediate(() => this.#fire());
  }

  #fire(): void {
    this.#timer = undefined;
    this.#firesAt = Number.POSITIVE_INFINITY;
    const now = performance.now();
    const late: Call[] = [];
    let next = Number.POSITIVE_INFINITY;
    for (let call = this.#oldest; call !== undefined; call = call.after) {
      if (call.endsAt > now) next = Math.min(next, call.endsAt);
      else late.push(call);
    }
    // A loop that was held up finds several: told in the order in which their time was over.
    for (const call of late.sort((one, other) => one.endsAt - other.endsAt)) {
      call.onLate();
      this.end(call);
    }
    if (next < this.#firesAt) this.#set(next);
  }
}
