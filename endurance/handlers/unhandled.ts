/** Rejects where nobody awaits it, and goes on. */

/** The handler of `unhandled`. */
export default function unhandled(): Promise<never> {
  void Promise.reject(new RangeError('nobody awaited this'));
  return new Promise(() => setInterval(() => undefined, 60_000));
}
