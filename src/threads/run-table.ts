/**
 * What is found by its run number: a table in which each entry lies where the last digits of its number say.
 *
 * Not a `Map`: one that is filled and emptied all the time makes itself anew again and again, and each table it leaves
 * behind points to the next one. Once the first of them is old, all later ones are kept, with all that ever was in them,
 * until the next full collection; that cost more than all else the main thread does for a short task.
 */

/** Entries for which there is room at first; a power of two, as are all sizes. */
const FIRST_SIZE = 256;

/** A table of entries that know their own number. Numbers in use are mostly close to one another. */
export class RunTable<Entry extends { readonly run: number }> {
  #entries: (Entry | undefined)[] = empty(FIRST_SIZE);
  /** Whose place another one has: those that are in use much longer than others. */
  readonly #displaced = new Map<number, Entry>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(run: number): Entry | undefined {
    const entry = this.#entries[run & (this.#entries.length - 1)];
    if (entry !== undefined && entry.run === run) return entry;
    return this.#displaced.size === 0 ? undefined : this.#displaced.get(run);
  }

  /** Puts it in place of the one of its number, if there is one. */
  set(entry: Entry): void {
    this.delete(entry.run);
    this.#size += 1;
    if (this.#size > this.#entries.length / 2) this.#grow();
    this.#place(entry);
  }

  /** `false` when it was not there. */
  delete(run: number): boolean {
    const place = run & (this.#entries.length - 1);
    if (this.#entries[place]?.run === run) this.#entries[place] = undefined;
    else if (!this.#displaced.delete(run)) return false;
    this.#size -= 1;
    return true;
  }

  /** All entries, in no particular order. */
  values(): Entry[] {
    const entries: Entry[] = [];
    if (this.#size === 0) return entries;
    for (const entry of this.#entries) if (entry !== undefined) entries.push(entry);
    entries.push(...this.#displaced.values());
    return entries;
  }

  #place(entry: Entry): void {
    const place = entry.run & (this.#entries.length - 1);
    if (this.#entries[place] === undefined) this.#entries[place] = entry;
    else this.#displaced.set(entry.run, entry);
  }

  #grow(): void {
    const entries = this.values();
    this.#entries = empty(this.#entries.length * 2);
    this.#displaced.clear();
    for (const entry of entries) this.#place(entry);
  }
}

function empty<Entry>(size: number): (Entry | undefined)[] {
  return Array.from({ length: size }, () => undefined);
}
