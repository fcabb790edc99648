/** `text:words`: counts the words of a text, or its phrases of a few words, and writes the most frequent ones. */
import { defineHandler, SkipRetry } from '../../../src/handler.ts';
import type { HandlerDefinition, Task, TaskContext } from '../../../src/handler.ts';
import { readPieces, writeOutput } from '../_files.ts';
import { absolutePath, payloadSchema, wholeNumber } from '../_payload.ts';

/** How many of the most frequent phrases are written. */
const TOP = 50;
/**
 * Different phrases held at once. Beyond it the task is given up: a map that grows without end takes the whole process
 * with it, not just its thread.
 */
const MAX_DISTINCT = 1_000_000;
/** Letters and their marks, with apostrophes within: `don't` is one word, `_colours_` is `colours`. */
const WORD = /[\p{L}\p{M}]+(?:['’][\p{L}\p{M}]+)*/gu;
/** A word that reaches the end of a piece may go on in the next; longer ones are cut. */
const MAX_WORD = 256;

/** What the producer asks for. Both paths are absolute and local to the runtime. */
export interface WordsPayload {
  readonly input: string;
  /** JSON file with the `WordsReport`. */
  readonly output: string;
  /** Words per phrase, 1 to 5. Default 1. */
  readonly phrase?: number;
}

/** Content of the JSON file: sorted by count, equal counts by the alphabet. */
export interface WordsReport extends WordsResult {
  readonly phrase: number;
  readonly top: readonly { readonly text: string; readonly count: number }[];
}

/** Words in all, and how many different phrases they make. */
export interface WordsResult {
  readonly words: number;
  readonly distinct: number;
}

const handler: HandlerDefinition<WordsPayload, WordsResult> = defineHandler<
  WordsPayload,
  WordsResult
>({
  schema: payloadSchema<Required<WordsPayload>>({
    input: absolutePath(),
    output: absolutePath(),
    phrase: wholeNumber(1, 5, 1),
  }),
  handle: countWords,
});

export default handler;

function countWords(task: Task<WordsPayload>, ctx: TaskContext): WordsResult {
  const { input, output, phrase = 1 } = task.json();
  const counts = new Map<string, number>();
  let words = 0;
  const recent: string[] = [];
  for (const text of readText(input, ctx)) {
    for (const [word] of text.toLowerCase().matchAll(WORD)) {
      words += 1;
      recent.push(word);
      if (recent.length > phrase) recent.shift();
      if (recent.length === phrase) count(counts, recent.join(' '), input);
      if (words % 4096 === 0) ctx.throwIfCanceled();
    }
  }
  const report: WordsReport = { words, distinct: counts.size, phrase, top: mostFrequent(counts) };
  writeOutput(output, (write) => write(Buffer.from(`${JSON.stringify(report, null, 2)}\n`)));
  ctx.log.debug({ input, words, distinct: counts.size }, 'words counted');
  return { words, distinct: counts.size };
}

/** The file as text, in pieces that end between words. Bytes that are no UTF-8 become U+FFFD, which is no letter. */
function* readText(input: string, ctx: TaskContext): Generator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for (const { bytes, done, total } of readPieces(input)) {
    ctx.throwIfCanceled();
    const text = rest + decoder.decode(bytes, { stream: true });
    const end = lastGap(text);
    yield text.slice(0, end);
    rest = text.slice(end);
    ctx.progress({ bytes: done, of: total });
  }
  yield rest + decoder.decode();
}

/** Where the last word begins, at most `MAX_WORD` before the end: a run without spaces must not pile up. */
function lastGap(text: string): number {
  const limit = Math.max(0, text.length - MAX_WORD);
  let at = text.length;
  while (at > limit && !/\s/u.test(text.charAt(at - 1))) at -= 1;
  return at;
}

function count(counts: Map<string, number>, text: string, input: string): void {
  const before = counts.get(text);
  if (before === undefined && counts.size >= MAX_DISTINCT) {
    throw new SkipRetry(`${input} has more than ${MAX_DISTINCT} different phrases`);
  }
  counts.set(text, (before ?? 0) + 1);
}

function mostFrequent(counts: ReadonlyMap<string, number>): WordsReport['top'] {
  return [...counts]
    .map(([text, times]) => ({ text, count: times }))
    .sort((a, b) => b.count - a.count || (a.text < b.text ? -1 : 1))
    .slice(0, TOP);
}
