/** Throws. */

/** The handler of `throw`. */
export default function throwError(): never {
  throw new TypeError('thrown');
}
