/** Fills the heap with arrays: V8 ends the thread alone. */

/** The handler of `heap-arrays`. */
export default function heapArrays(): never {
  const rows: number[][] = [];
  for (;;) rows.push(new Array<number>(10_000).fill(0.5));
}
