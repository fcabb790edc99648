/**
 * What a thread was given, in that order. A list and not a `Set`, which would keep what it has held (see `RunTable`); most
 * leave it about in the order in which they came, so that looking for one takes a step or two.
 */
export class RunList<Entry> implements Iterable<Entry> {
  #entries: (Entry | undefined)[] = [];
  /** Entries at the head that have left. */
  #gone = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(entry: Entry): void {
    this.#entries.push(entry);
    this.#size += 1;
  }

  /** `false` when it was not there. */
  delete(entry: Entry): boolean {
    const at = this.#entries.indexOf(entry, this.#gone);
    if (at === -1) return false;
    this.#entries[at] = undefined;
    this.#size -= 1;
    this.#moveUp();
    return true;
  }

  /** Those that are there now; the list may lose entries meanwhile. */
  *[Symbol.iterator](): Iterator<Entry> {
    for (const entry of this.#entries.slice(this.#gone)) if (entry !== undefined) yield entry;
  }

  /** The first ones, until one answers `false`; none may leave meanwhile. */
  each(look: (entry: Entry) => boolean): void {
    for (let at = this.#gone; at < this.#entries.length; at += 1) {
      const entry = this.#entries[at];
      if (entry !== undefined && !look(entry)) return;
    }
  }

  #moveUp(): void {
    while (this.#gone < this.#entries.length && this.#entries[this.#gone] === undefined) {
      this.#gone += 1;
    }
    if (this.#size === 0) this.#entries = [];
    else if (this.#gone > this.#size) this.#entries = this.#entries.slice(this.#gone);
    else return;
    this.#gone = 0;
  }
}
