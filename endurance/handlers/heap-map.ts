/** Fills the heap with a Map: V8 ends the whole process. */

/** The handler of `heap-map`. */
export default function heapMap(): never {
  const map = new Map<number, number>();
  for (let i = 0; ; i += 1) map.set(i, i);
}
