/**
 * Remembers millions of IDs in two bytes each (a Bloom filter). An ID that was added is always known; one in a thousand of
 * the others seems so too.
 */
export class SeenIds {
  readonly #bits: Uint8Array;
  readonly #size: number;

  /** `expected`: how many are going to be added. */
  constructor(expected: number) {
    this.#size = Math.max(1024, Math.ceil(expected) * BITS_PER_ID);
    this.#bits = new Uint8Array(Math.ceil(this.#size / 8));
  }

  add(id: string): void {
    for (const bit of this.#bitsOf(id)) {
      const at = bit >>> 3;
      this.#bits[at] = (this.#bits[at] ?? 0) | (1 << (bit & 7));
    }
  }

  has(id: string): boolean {
    return this.#bitsOf(id).every((bit) => ((this.#bits[bit >>> 3] ?? 0) & (1 << (bit & 7))) !== 0);
  }

  #bitsOf(id: string): number[] {
    let [first, second] = [2_166_136_261, 5_381];
    for (let i = 0; i < id.length; i++) {
      const unit = id.charCodeAt(i);
      first = Math.imul(first ^ unit, 16_777_619);
      second = Math.imul(second, 33) ^ unit;
    }
    const step = (second | 1) >>> 0; // unsigned last: a negative position would be forgotten
    return Array.from({ length: HASHES }, (_, i) => ((first >>> 0) + i * step) % this.#size);
  }
}

const BITS_PER_ID = 16;
const HASHES = 6;
