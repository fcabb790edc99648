/** A child process that could not start: it has made the report of its error itself. */
import { ThreadmillError } from '../errors.ts';

/** `ERR_CHILD_START`: what the child said of its failure, and the exit code that goes with it. */
export class ChildStartError extends ThreadmillError {
  readonly text: string;
  readonly exitCode: number;

  constructor({ text, exitCode }: { readonly text: string; readonly exitCode: number }) {
    super('ERR_CHILD_START', text);
    this.text = text;
    this.exitCode = exitCode;
  }
}
