/** The base of all error classes; a file of its own, so that those of a subject can stand in files of theirs. */

/** Base of all errors that Threadmill makes itself. `code` is stable over releases; the text is not. */
export class ThreadmillError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}
