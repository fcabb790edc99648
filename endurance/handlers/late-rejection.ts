/** Returns, and rejects afterwards. */

/** The handler of `late-rejection`. */
export default function lateRejection(): string {
  setTimeout(() => void Promise.reject(new RangeError('rejected after the end')), 5);
  return 'done';
}
