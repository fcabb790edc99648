/** Fills the heap with pieces of a text: V8 ends the whole process. */

/** The handler of `heap-split`. */
export default function heapSplit(): number {
  return 'ab,'.repeat(30_000_000).split(',').length;
}
