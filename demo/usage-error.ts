/** Something in the command's words is wrong; ends the demo with exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
