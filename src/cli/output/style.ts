/** Colours, for a terminal only: text for a pipe, a file or `NO_COLOR` stays as it is. */
import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];

/** Whether text for this stream may be coloured. */
export function isColourful(stream: { readonly isTTY?: boolean } = process.stdout): boolean {
  const { NO_COLOR, TERM } = process.env;
  return stream.isTTY === true && (NO_COLOR ?? '') === '' && TERM !== 'dumb';
}

/** The text in this colour or weight, where stdout shows any. */
export function paint(format: Format, text: string): string {
  return text !== '' && isColourful() ? styleText(format, text) : text;
}
