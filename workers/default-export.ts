/** Finds the handler or aggregator among a module's exports and checks its settings. */
import { isAggregatorDefinition, type AggregatorDefinition } from '../src/aggregator.ts';
import { show } from '../src/errors.ts';
import {
  defineHandler,
  isHandlerDefinition,
  isTaskDefinition,
  type HandlerDefinition,
  type HandlerFunction,
} from '../src/handler.ts';

/** The handler or aggregator, or why there is none. `type` is the named export of that name. */
export type Picked =
  | { readonly aggregator: AggregatorDefinition }
  | { readonly definition: HandlerDefinition; readonly type: string | undefined }
  | { readonly reason: string };

const WANTED = 'export a function (task, ctx) => result, or defineHandler({ … }), as default';

/** Picks the default export of a module; CommonJS modules may give it as `module.exports` or `exports.default`. */
export function pickDefault(module: Record<string, unknown>): Picked {
  const [value, type] = moduleExports(module);
  if (isAggregatorDefinition(value)) return pickAggregator(value);
  const reason = problemWith(value) ?? problemWithType('named export `type`', type);
  if (reason !== undefined) return { reason };
  const definition = isHandlerDefinition(value)
    ? value
    : defineHandler({ handle: value as HandlerFunction });
  return { definition, type: type as string | undefined };
}

function pickAggregator(aggregator: AggregatorDefinition): Picked {
  const reason = problemWithAggregator(aggregator);
  return reason === undefined ? { aggregator } : { reason };
}

/** The default export and the named export `type`, out of either module system. */
export function moduleExports(module: Record<string, unknown>): readonly [unknown, unknown] {
  const outer = module['default'];
  const inner = isRecord(outer) && !isHandlerDefinition(outer) ? outer['default'] : undefined;
  const value = inner ?? outer;
  const beside = isRecord(outer) || typeof outer === 'function' ? ownType(outer) : undefined;
  return [value, module['type'] ?? beside];
}

function ownType(value: object): unknown {
  const isMarked = isHandlerDefinition(value) || isTaskDefinition(value);
  return isMarked ? undefined : (value as { type?: unknown }).type;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function problemWith(value: unknown): string | undefined {
  if (value === undefined) return `it has no default export: ${WANTED}`;
  if (isTaskDefinition(value)) {
    return 'its default export is a task declaration: wrap it in defineHandler({ task, handle })';
  }
  if (isHandlerDefinition(value)) return problemWithSettings(value);
  if (typeof value !== 'function') return `its default export is ${show(value)}: ${WANTED}`;
  return isClass(value) ? `its default export is a class: ${WANTED}` : undefined;
}

function isClass(value: object): boolean {
  return /^class\b/.test(Function.prototype.toString.call(value));
}

function problemWithType(what: string, type: unknown): string | undefined {
  if (type === undefined || (typeof type === 'string' && type.trim() !== '')) return undefined;
  return `its ${what} is ${show(type)}: give a task type that is not blank`;
}

/** A setting with what it accepts. */
type Check<Name> = readonly [Name, (value: unknown) => boolean, string];

/** What handlers and aggregators may both have. */
const TIMES: readonly Check<'timeout' | 'heartbeat' | 'cancelGrace'>[] = [
  ['timeout', isDuration, 'milliseconds or text such as "30s"'],
  ['heartbeat', isTimeSpan, 'milliseconds over 0 or text such as "10s"'],
  ['cancelGrace', isDuration, 'milliseconds or text such as "2s"'],
];

const HANDLER_CHECKS: readonly Check<keyof HandlerDefinition & string>[] = [
  ...TIMES,
  ['retries', isRetries, 'a whole number from 0, or Infinity'],
  ['schema', isSchema, 'a Standard Schema (zod, valibot, arktype …)'],
  ['task', isTaskDefinition, 'what defineTask returned'],
  ['retryDelay', isFunction, 'a function (retried, error, task)'],
  ['isFailure', isFunction, 'a function (error)'],
  ['middleware', isFunctionList, 'a list of functions (task, ctx, next)'],
];

function problemWithSettings(definition: HandlerDefinition): string | undefined {
  const settings = definition as unknown as Record<string, unknown>;
  if (typeof settings['handle'] !== 'function') {
    return `its handle is ${show(settings['handle'])}: give defineHandler a function handle(task, ctx)`;
  }
  return problemWithAny(settings, HANDLER_CHECKS) ?? problemWithType('type', settings['type']);
}

function problemWithAny(
  settings: Readonly<Record<string, unknown>>,
  checks: readonly Check<string>[],
): string | undefined {
  for (const [name, accepts, wanted] of checks) {
    const value = settings[name];
    if (value !== undefined && !accepts(value)) {
      return `its ${name} is ${show(value)}: give ${wanted}`;
    }
  }
  return undefined;
}

function problemWithAggregator(definition: AggregatorDefinition): string | undefined {
  const settings = definition as unknown as Record<string, unknown>;
  if (typeof settings['aggregate'] !== 'function') {
    return `its aggregate is ${show(settings['aggregate'])}: give defineAggregator a function aggregate(group, tasks, ctx)`;
  }
  const { group } = settings;
  if (typeof group !== 'string' || (group !== '' && group.trim() === '')) {
    return `its group is ${show(group)}: give the name of the groups or its beginning, '' for all`;
  }
  return problemWithAny(settings, TIMES);
}

function isDuration(value: unknown): boolean {
  if (typeof value === 'string') return value.trim() !== '';
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

/** A duration that is not 0, as far as it can be told here: text is parsed on the main thread. */
function isTimeSpan(value: unknown): boolean {
  return isDuration(value) && value !== 0;
}

function isRetries(value: unknown): boolean {
  return (
    value === Number.POSITIVE_INFINITY ||
    (typeof value === 'number' && Number.isInteger(value) && value >= 0)
  );
}

function isSchema(value: unknown): boolean {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
  const standard = isObject ? (value as { '~standard'?: unknown })['~standard'] : undefined;
  return typeof (standard as { validate?: unknown } | undefined)?.validate === 'function';
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}

function isFunctionList(value: unknown): boolean {
  return Array.isArray(value) && value.every(isFunction);
}
