/** Schemas for values that come as text from a shell or as native values from code. Their messages are never shown. */
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { parseDuration } from '../policy/duration.ts';
import type { RedisOption } from './server-options.ts';
import type { RecycleValues } from './setting.ts';

/** A whole number from `min` to `max`. */
export function wholeNumber(min: number, max: number): z.ZodType<number> {
  return z
    .union([z.number(), z.string().trim().regex(/^\d+$/).transform(Number)])
    .pipe(z.int().min(min).max(max));
}

/** A duration from `min` to `max` ms, as `parseDuration` reads it. */
export function duration(min: number, max: number): z.ZodType<number> {
  return z
    .union([z.number(), z.string()])
    .transform((value, context) => {
      try {
        return parseDuration(typeof value === 'string' ? value.trim() : value);
      } catch {
        context.addIssue('not a duration');
        return z.NEVER;
      }
    })
    .pipe(z.number().min(min).max(max));
}

/** `true` or `false`, in a shell also `1 0 yes no on off`. */
export const bool: z.ZodType<boolean> = z.union([
  z.boolean(),
  z.stringbool({
    truthy: ['true', '1', 'yes', 'on'],
    falsy: ['false', '0', 'no', 'off'],
  }),
]);

/** One of these words, in a shell in any case. */
export function word<const Words extends readonly [string, ...string[]]>(
  words: Words,
): z.ZodType<Words[number]> {
  return z
    .string()
    .transform((text) => text.trim().toLowerCase())
    .pipe(z.enum(words));
}

/** A port number, or `off`. */
export const port: z.ZodType<number | 'off'> = z.union([wholeNumber(0, 65_535), word(['off'])]);

/** A host name or address. */
export const host: z.ZodType<string> = z
  .string()
  .trim()
  .regex(/^[^\s/]+$/);

/** A list of paths or `file:` URLs, as text split at commas or at the platform's path delimiter. */
export const paths: z.ZodType<readonly string[]> = z
  .union([
    z.string().transform(splitPaths),
    z.instanceof(URL).transform((url) => [url]),
    z.array(z.union([z.string(), z.instanceof(URL)])),
  ])
  .transform((items, context) => {
    try {
      return items.map(toPath);
    } catch {
      context.addIssue('not a file: URL');
      return z.NEVER;
    }
  })
  .pipe(z.array(z.string().min(1)).min(1));

function splitPaths(text: string): string[] {
  if (text.startsWith('file:')) return [text];
  return text
    .split(',')
    .flatMap((part) => part.split(delimiter))
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function toPath(item: string | URL): string {
  return item instanceof URL || item.startsWith('file:') ? fileURLToPath(item) : item;
}

/** Braces would change the slot of the queue's keys; comma and equals sign separate names and weights here. */
function isQueueName(name: string): boolean {
  return name.trim() !== '' && !/[{},=]/.test(name);
}

function isWeight(weight: unknown): boolean {
  return Number.isInteger(weight) && Number(weight) >= 1 && Number(weight) <= 1000;
}

/** Queue names with weights: a record, a list of names, or text such as `critical=6,default=3` or `a,b`. */
export const queues: z.ZodType<Readonly<Record<string, number>>> = z
  .union([
    z.string().transform(parseQueues),
    z.array(z.string()).transform((names) => names.map((name): [string, unknown] => [name, 1])),
    z.record(z.string(), z.unknown()).transform((record) => Object.entries(record)),
  ])
  .refine((entries) => entries.length > 0)
  .refine((entries) => entries.every(([name, weight]) => isQueueName(name) && isWeight(weight)))
  .refine((entries) => new Set(entries.map(([name]) => name)).size === entries.length)
  .transform((entries) =>
    Object.freeze(Object.fromEntries(entries.map(([name, weight]) => [name, Number(weight)]))),
  );

function parseQueues(text: string): [string, unknown][] {
  return splitNames(text).map((part) => {
    const [name = '', weight, ...rest] = part.split('=').map((piece) => piece.trim());
    if (weight === undefined) return [name, 1];
    return [name, rest.length === 0 && /^\d+$/.test(weight) ? Number(weight) : weight];
  });
}

function splitNames(text: string): string[] {
  return text.split(',').map((part) => part.trim());
}

const queueNames: z.ZodType<readonly string[]> = z
  .union([z.string().transform(splitNames), z.array(z.string())])
  .refine((names) => names.length > 0 && names.every(isQueueName));

/** `true` (the configured queues), `false`, or a list of queue names. */
export const queueMetrics: z.ZodType<boolean | readonly string[]> = z.union([bool, queueNames]);

const recycleLimits: z.ZodType<RecycleValues> = z
  .strictObject({
    tasks: wholeNumber(1, 1_000_000_000).optional(),
    rss: wholeNumber(16, 1_048_576).optional(),
    age: duration(1_000, 365 * 86_400_000).optional(),
  })
  .transform((limits): RecycleValues => {
    const given = Object.entries(limits).filter(([, limit]) => limit !== undefined);
    return Object.freeze(Object.fromEntries(given));
  })
  .refine((limits) => Object.keys(limits).length > 0);

/** Limits as `tasks=1000,rss=1024,age=1h` (memory in MB), or as `{ tasks, rss, age }`. */
export const recycle: z.ZodType<RecycleValues> = z
  .unknown()
  .transform((value) => (typeof value === 'string' ? namedValues(value) : value))
  .pipe(recycleLimits);

/** `a=1,b=2` as a record; anything else, and a name given twice, as something that no schema takes. */
function namedValues(text: string): Record<string, string> | undefined {
  const pairs = splitNames(text).map((part) => part.split('=').map((piece) => piece.trim()));
  const names = new Set(pairs.map(([name]) => name));
  const isFair = pairs.every((pair) => pair.length === 2) && names.size === pairs.length;
  return isFair ? (Object.fromEntries(pairs) as Record<string, string>) : undefined;
}

/** The forms that the connection reads; it has the last word. */
const NETWORK = /^rediss?:\/\/[^\s/?#]*(\/\d{0,6})?$/i;
const SOCKET = /^(redis-socket|unix):\/\/([^\s/?#]*@)?\/[^\s?#]+(\?db=\d{1,6})?$/i;
const MANY = /^rediss?-(sentinel|cluster):\/\/[^\s/?#]+(\/\d{0,6})?(\?[^\s#]*)?$/i;

function isNetwork(text: string): boolean {
  return NETWORK.test(text) && URL.canParse(text);
}

/** False for a percent sign that stands for itself, as in a password that was not encoded. */
function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** A Redis URL; from code also ioredis options or an instance, which the connection checks. */
export const redis: z.ZodType<RedisOption> = z.union([
  z
    .string()
    .trim()
    .refine((text) => isNetwork(text) || SOCKET.test(text) || MANY.test(text))
    .refine(isDecodable),
  z.custom<Exclude<RedisOption, string>>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  ),
]);
