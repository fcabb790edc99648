/** Does nothing: what is left is the runtime's own cost. */
export default function noop(): void {
  // nothing, on purpose
}
