/** An error whose message is all that a user needs to see. */
export class UserError extends Error {
  isForUser = true;

  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
