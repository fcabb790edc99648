/** Reads `README.md`: its code blocks with their marks, and the tables between markers. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../helpers/paths.ts';

/** One fenced code block. */
export interface Snippet {
  /** From the comment above it, `<!-- snippet: how name -->`. Empty without one. */
  readonly how: string;
  readonly name: string;
  readonly language: string;
  readonly text: string;
  /** Of the opening fence, from 1. */
  readonly line: number;
}

/** The whole text. */
export const readme: string = readFileSync(join(packageRoot, 'README.md'), 'utf8');

const MARK = /^<!-- snippet: (\S+)(?: (\S+))? -->$/;

/** Every code block, in order. Throws for a block that is not closed. */
export function snippetsOf(markdown: string): Snippet[] {
  const lines = markdown.split('\n');
  const found: Snippet[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const fence = /^(`{3,}|~{3,})(.*)$/.exec(lines[at] ?? '');
    if (fence === null) continue;
    const end = lines.indexOf(fence[1] ?? '', at + 1);
    if (end < 0) throw new Error(`the block at line ${at + 1} is not closed`);
    const [, how = '', name = ''] = MARK.exec(lines[at - 1] ?? '') ?? [];
    const text = lines.slice(at + 1, end).join('\n');
    found.push({ how, name, language: (fence[2] ?? '').trim(), text, line: at + 1 });
    at = end;
  }
  return found;
}

/** The code blocks of the README. */
export const snippets: readonly Snippet[] = snippetsOf(readme);

/** The one block with this name. */
export function snippet(name: string): Snippet {
  const [found, ...others] = snippets.filter((each) => each.name === name);
  if (found === undefined || others.length > 0) throw new Error(`not one snippet ${name}`);
  return found;
}

/** What stands between `<!-- name -->` and `<!-- /name -->`, trimmed. */
export function marked(name: string): string {
  const [, text] =
    new RegExp(`<!-- ${name} -->\\n([\\s\\S]*?)<!-- /${name} -->`).exec(readme) ?? [];
  if (text === undefined) throw new Error(`README.md has no <!-- ${name} --> … <!-- /${name} -->`);
  return text.trim();
}

/** The cells of a table between markers, without its two head lines and without backquotes. */
export function markedCells(name: string): string[][] {
  const rows = marked(name).split('\n').slice(2);
  return rows.map((row) =>
    row
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}
