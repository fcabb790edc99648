/** The text of an error as it is stored beside a task and shown in tables. */

/** Longer texts are cut: they are rewritten into the hash at every attempt and shown in tables. Characters. */
const MAX_LENGTH = 2_000;

/** The error's message (its name where it has none), well-formed and at most 2,000 characters long. */
export function errorText(error: Error): string {
  const text = (error.message === '' ? error.name : error.message).toWellFormed();
  return text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH - 1).toWellFormed()}…`;
}
