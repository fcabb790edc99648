/** Ends the process, as it believes. */

/** The handler of `exit`. */
export default function exit(): void {
  process.exit(7);
}
