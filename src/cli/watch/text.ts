/** Text of tasks on a terminal: what could move the cursor or turn colours on is shown as a mark, and widths are those seen. */
import stringWidth from 'string-width';

/**
 * Control and formatting characters, line ends, halves of surrogate pairs, and what turns the direction of writing. Tasks
 * come from anybody.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const MARK = '·';
const ELLIPSIS = '…';
const ASCII = /^[\x20-\x7e]*$/;
/** UTF-16 units that are looked at per column; a character may be made of many. */
const UNITS_PER_COLUMN = 16;

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** The text on one line and harmless. */
export function harmless(text: string): string {
  return ASCII.test(text) ? text : text.replace(UNSAFE, MARK);
}

/** Columns that the text takes. */
export function widthOf(text: string): number {
  return ASCII.test(text) ? text.length : stringWidth(text);
}

/** The text in just so many columns: cut with an ellipsis, or filled with blanks. Harmless whatever came in. */
export function fit(text: string, columns: number, align: 'left' | 'right' = 'left'): string {
  if (columns <= 0) return '';
  const cut = cutTo(harmless(text.slice(0, (columns + 1) * UNITS_PER_COLUMN)), columns);
  const blanks = ' '.repeat(Math.max(0, columns - widthOf(cut)));
  return align === 'left' ? cut + blanks : blanks + cut;
}

function cutTo(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  if (ASCII.test(text)) return text.slice(0, columns - 1) + ELLIPSIS;
  let [kept, width] = ['', 0];
  for (const { segment } of segmenter.segment(text)) {
    width += widthOf(segment);
    if (width > columns - 1) break;
    kept += segment;
  }
  return kept + ELLIPSIS;
}

/** `0`, `999`, `12.3k`, `4.5M`: at most five columns. */
export function countText(count: number): string {
  if (count < 10_000) return String(Math.round(count));
  const [value, unit] = count < 1e6 ? [count / 1e3, 'k'] : [count / 1e6, 'M'];
  return `${value.toFixed(value < 100 ? 1 : 0)}${unit}`;
}

/** `0`, `0.4`, `12.3`, `1500`: per second. */
export function rateText(rate: number | undefined): string {
  if (rate === undefined) return '-';
  if (rate === 0) return '0';
  return rate < 100 ? rate.toFixed(1) : countText(rate);
}

/** `0s`, `12s`, `3m05s`, `2h10m`, `4d03h`. */
export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (value: number): string => String(value).padStart(2, '0');
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`;
  if (seconds < 86_400)
    return `${Math.floor(seconds / 3600)}h${two(Math.floor(seconds / 60) % 60)}m`;
  return `${Math.floor(seconds / 86_400)}d${two(Math.floor(seconds / 3600) % 24)}h`;
}
