/** Reads the little XML that pictures are made of, strictly. */

/** One element, by its opening tag. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

const TAG = /<(\/?)([a-z]+)((?: [A-Za-z0-9:-]+="[^"<]*")*)(\/?)>/y;
const TEXT = /(?:[^<&]|&(?:amp|lt|gt|quot);)+/y;

/** All elements in their order. Throws where the text is not well-formed: one root, each element closed in its turn. */
export function elementsOf(xml: string): XmlElement[] {
  const elements: XmlElement[] = [];
  const open: string[] = [];
  const text = xml.trim();
  let at = 0;
  while (at < text.length) {
    TAG.lastIndex = TEXT.lastIndex = at;
    const tag = TAG.exec(text);
    const length = tag?.[0].length ?? TEXT.exec(text)?.[0].length;
    if (length === undefined) throw new SyntaxError(`not well-formed: ${text.slice(at, at + 40)}`);
    if (open.length === 0 && elements.length > 0)
      throw new SyntaxError('something behind the root');
    if (tag !== null) readTag(tag, elements, open);
    at += length;
  }
  if (open.length > 0) throw new SyntaxError(`never closed: ${open.join(', ')}`);
  return elements;
}

function readTag(tag: RegExpExecArray, elements: XmlElement[], open: string[]): void {
  const [, closes, name = '', written = '', isEmpty] = tag;
  if (closes === '/') {
    if (open.pop() !== name) throw new SyntaxError(`</${name}> closes nothing`);
    return;
  }
  const pairs = [...written.matchAll(/ ([^=]+)="([^"]*)"/g)];
  const attributes = Object.fromEntries(pairs.map(([, key, value]) => [key, value]));
  elements.push({ name, attributes });
  if (isEmpty !== '/') open.push(name);
}
