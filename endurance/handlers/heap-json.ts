/** Fills the heap with what JSON means: V8 ends the whole process. */

/** The handler of `heap-json`. */
export default function heapJson(): number {
  const rows = JSON.parse(`[${'{"a":[1,2,3,"four"]},'.repeat(10_000_000)}0]`) as unknown[];
  return rows.length;
}
