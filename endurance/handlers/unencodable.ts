/** Answers with what has no JSON. */

/** The handler of `unencodable`. */
export default function unencodable(): unknown {
  return { big: 1n };
}
