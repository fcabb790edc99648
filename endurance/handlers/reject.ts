/** Answers with a promise that is rejected. */

/** The handler of `reject`. */
export default function reject(): Promise<never> {
  return Promise.reject(new TypeError('rejected'));
}
