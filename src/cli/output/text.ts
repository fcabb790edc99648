/** Values as text for people. Nothing that comes from Redis can move the cursor or change the colours of a terminal. */

const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** The text on one line, with what is invisible written out: a line feed as `\n`, an escape as `\u{1b}`. */
export function oneLine(text: string): string {
  return text.replace(UNSAFE, (char) => {
    if (char === '\n') return '\\n';
    if (char === '\r') return '\\r';
    if (char === '\t') return '\\t';
    return `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`;
  });
}

/** The bytes as text where they are UTF-8, printable and not blank; as asynq's tools show payloads and results. */
export function bytesText(bytes: Uint8Array | undefined): string {
  if (bytes === undefined || bytes.byteLength === 0) return '';
  const text = decodeUtf8(bytes);
  const isShown = text !== undefined && text.trim() !== '' && oneLine(text) === text;
  return isShown ? text : 'non-printable bytes';
}

/** The bytes as text; `undefined` where they are no UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** `1,234`. */
export function countText(count: number): string {
  return count.toLocaleString('en-US');
}

/** `one task`, `12 tasks`: a count with its noun. */
export function plural(count: number, noun: string): string {
  return `${countText(count)} ${noun}${count === 1 ? '' : 's'}`;
}

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `12.3 MiB`. */
export function byteText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${BYTE_UNITS[unit] ?? ''}`;
}

const TIME_UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;

/** The two largest units: `250ms`, `4.2s`, `3m 12s`, `2d 4h`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))}ms`;
  if (ms < 10_000) return `${(Math.floor(ms / 100) / 10).toFixed(1).replace(/\.0$/, '')}s`;
  const at = TIME_UNITS.findIndex(([, size]) => ms >= size);
  const [unit, size] = TIME_UNITS[at] ?? TIME_UNITS[3];
  const whole = Math.floor(ms / size);
  const next = TIME_UNITS[at + 1];
  const rest = next === undefined ? 0 : Math.floor((ms - whole * size) / next[1]);
  return rest === 0 ? `${whole}${unit}` : `${whole}${unit} ${rest}${next?.[0] ?? ''}`;
}

/** `5m ago`, `in 2h`, `now`. */
export function relativeText(at: Date, now: number = Date.now()): string {
  const ms = at.getTime() - now;
  if (Math.abs(ms) < 1000) return 'now';
  return ms > 0 ? `in ${durationText(ms)}` : `${durationText(-ms)} ago`;
}

/** `2026-01-31T12:00:00Z (5m ago)`. */
export function instantText(at: Date, now: number = Date.now()): string {
  return `${at.toISOString().replace(/\.\d{3}Z$/, 'Z')} (${relativeText(at, now)})`;
}

/** `2.5%`; `0%` where nothing was processed. */
export function shareText(part: number, whole: number): string {
  if (whole === 0) return '0%';
  return `${((part / whole) * 100).toFixed(2).replace(/\.?0+$/, '')}%`;
}
