/** The few pieces of SVG that a plot is made of, as text. No IO. */

/** Attributes; numbers are rounded to a tenth of a pixel. */
export type Attributes = Readonly<Record<string, string | number>>;

/** An element with such content, which is markup already. */
export function element(
  name: string,
  attributes: Attributes,
  ...content: readonly string[]
): string {
  const written = Object.entries(attributes).map(([key, value]) => {
    const text =
      typeof value === 'number' ? String(Math.round(value * 10) / 10) : escapeText(value);
    return ` ${key}="${text}"`;
  });
  const open = `<${name}${written.join('')}`;
  return content.length === 0 ? `${open}/>` : `${open}>${content.join('')}</${name}>`;
}

/** An element with text. */
export function textElement(name: string, attributes: Attributes, text: string): string {
  return element(name, attributes, escapeText(text));
}

/** Text as markup shows it. */
export function escapeText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
