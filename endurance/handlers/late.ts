/** Returns, and throws afterwards. */

/** The handler of `late`. */
export default function late(): string {
  setTimeout(() => {
    throw new RangeError('after the end');
  }, 5);
  return 'done';
}
