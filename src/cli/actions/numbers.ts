/** Numbers and durations that were typed as flags. */
import { InvalidOptionsError } from '../../errors.ts';
import { DURATION_ACCEPTS, parseDuration } from '../../policy/duration.ts';

/** The whole number. Throws `InvalidOptionsError` that names the flag. */
export function wholeNumber(
  flag: string,
  text: string | undefined,
  { min, max }: { min: number; max: number },
): number {
  const value = /^\d+$/.test(text ?? '') ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw wrongFlag(flag, text, `a whole number from ${min} to ${max}`);
}

/** Page and size, as `pageOptions` has them. */
export function pageOf(flags: { readonly page?: string; readonly size?: string }): {
  page: number;
  size: number;
} {
  return {
    page: wholeNumber('--page', flags.page, { min: 1, max: 1_000_000_000 }),
    size: wholeNumber('--size', flags.size, { min: 1, max: 1000 }),
  };
}

/** Milliseconds. Throws `InvalidOptionsError` that names the flag. */
export function durationOf(flag: string, text: string): number {
  try {
    return parseDuration(text);
  } catch {
    throw wrongFlag(flag, text, DURATION_ACCEPTS);
  }
}

/** The error of one flag. */
export function wrongFlag(name: string, value: unknown, accepts: string): InvalidOptionsError {
  return new InvalidOptionsError([{ name, value, accepts }]);
}
