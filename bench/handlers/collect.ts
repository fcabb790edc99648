/** Collects the garbage of its thread, in a process that was started with `--expose-gc`. */

/** The handler of `collect`. */
export default function collect(): void {
  globalThis.gc?.();
}
