/** Throws where no promise of the handler sees it, and goes on. */

/** The handler of `uncaught`. */
export default function uncaught(): Promise<never> {
  setTimeout(() => {
    throw new RangeError('nobody caught this');
  }, 1);
  return new Promise(() => setInterval(() => undefined, 60_000));
}
