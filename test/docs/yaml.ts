/** Reads the YAML of the README: maps, lists of maps or scalars, plain and double-quoted scalars, comments. No more. */

/** What a document holds. Scalars stay text. */
export type Yaml = string | Yaml[] | { [key: string]: Yaml };

interface Line {
  readonly indent: number;
  readonly text: string;
  readonly number: number;
}

/** The document. Throws for tabs, odd indentation, and everything beyond the subset. */
export function parseYaml(text: string): Yaml {
  const lines = text.split('\n').flatMap((raw, index): Line[] => {
    const line = raw.replace(/(^|\s+)#.*$/, '');
    if (line.trim() === '') return [];
    const indent = line.length - line.trimStart().length;
    if (/\t/.test(line) || indent % 2 !== 0) throw new Error(`indentation of line ${index + 1}`);
    return [{ indent, text: line.trim(), number: index + 1 }];
  });
  const reader = new Reader(lines);
  const document = reader.block(0);
  reader.end();
  return document;
}

/** A value deep inside, by keys and list positions. */
export function dig(value: Yaml, ...path: readonly (string | number)[]): Yaml | undefined {
  return path.reduce<Yaml | undefined>((inner, step) => {
    if (inner === undefined || typeof inner === 'string') return undefined;
    return Array.isArray(inner) ? inner[Number(step)] : inner[step];
  }, value);
}

class Reader {
  #lines: Line[];

  constructor(lines: Line[]) {
    this.#lines = lines;
  }

  end(): void {
    const [left] = this.#lines;
    if (left !== undefined) throw new Error(`line ${left.number} belongs to nothing`);
  }

  block(indent: number): Yaml {
    return this.#lines[0]?.text.startsWith('- ') ? this.#list(indent) : this.#map(indent);
  }

  #list(indent: number): Yaml[] {
    const items: Yaml[] = [];
    for (;;) {
      const [line] = this.#lines;
      if (line?.indent !== indent || !line.text.startsWith('- ')) return items;
      // An item that is a map goes on in the lines below, two columns further in.
      const first = { ...line, indent: indent + 2, text: line.text.slice(2) };
      this.#lines = [first, ...this.#lines.slice(1)];
      items.push(/^[\w./-]+:( |$)/.test(first.text) ? this.#map(indent + 2) : this.#scalar());
    }
  }

  #map(indent: number): { [key: string]: Yaml } {
    const map: { [key: string]: Yaml } = {};
    for (;;) {
      const [line] = this.#lines;
      if (line?.indent !== indent || line.text.startsWith('- ')) return map;
      const [, key = '', value = ''] = /^([\w./-]+):(?: (.+))?$/.exec(line.text) ?? [];
      if (key === '' || key in map) throw new Error(`line ${line.number}: ${line.text}`);
      this.#lines = this.#lines.slice(1);
      map[key] = value === '' ? this.block(indent + 2) : plain(value, line.number);
    }
  }

  #scalar(): string {
    const [line, ...rest] = this.#lines;
    this.#lines = rest;
    return plain(line?.text ?? '', line?.number ?? 0);
  }
}

function plain(text: string, line: number): string {
  const [, quoted] = /^"([^"\\]*)"$/.exec(text) ?? [];
  if (quoted === undefined && /^[&*!|>%@`'"[{]|: /.test(text))
    throw new Error(`line ${line}: ${text}`);
  return quoted ?? text;
}
