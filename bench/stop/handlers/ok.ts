/** Shows that what runs it is there. */

/** The handler of `ok`. */
export default function ok(): void {
  // nothing, on purpose
}
