/** Loads handler, aggregator and middleware modules, and says in plain words what is wrong with one. */
import { fileURLToPath } from 'node:url';
import type { AggregatorDefinition } from '../src/aggregator.ts';
import { HandlerLoadError } from '../src/errors.ts';
import { isHandlerDefinition, type HandlerDefinition, type Middleware } from '../src/handler.ts';
import { pickDefault, moduleExports } from './default-export.ts';
import { loadReason } from './load-reason.ts';

/** A module's handler, ready to run. */
export interface LoadedHandler {
  /** A plain function becomes a definition with nothing but `handle`. */
  readonly definition: HandlerDefinition;
  /** The pattern that the module names itself: in its definition, or as its named export `type`. */
  readonly pattern: string | undefined;
}

/** A module that aggregates groups. */
export interface LoadedAggregator {
  readonly aggregator: AggregatorDefinition;
}

const handlers = new Map<string, Promise<LoadedHandler | LoadedAggregator>>();
/** Those of `handlers` that are loaded, for a look without a promise. */
const loaded = new Map<string, HandlerDefinition>();
const middlewares = new Map<string, Promise<Middleware>>();

/** Loads the module of a handler or aggregator once per thread. Rejects with `HandlerLoadError`. */
export function loadModule(url: string): Promise<LoadedHandler | LoadedAggregator> {
  return cached(handlers, url, async () => {
    const module = await importModule(url);
    const picked = pickDefault(module);
    if ('reason' in picked) throw failure(url, picked.reason);
    if ('aggregator' in picked) return picked;
    const definition = picked.definition;
    loaded.set(url, definition);
    return { definition, pattern: definition.type ?? definition.task?.type ?? picked.type };
  });
}

/** The handler of a module that has been loaded in this thread; `undefined`: load it first. */
export function loadedHandler(url: string): HandlerDefinition | undefined {
  return loaded.get(url);
}

/** As `loadModule`, for what was a handler at the start. */
export async function loadHandler(url: string): Promise<LoadedHandler> {
  const module = await loadModule(url);
  if ('definition' in module) return module;
  throw failure(url, 'it was a handler when the server started, and is an aggregator now');
}

/** As `loadModule`, for what was an aggregator at the start. */
export async function loadAggregator(url: string): Promise<LoadedAggregator> {
  const module = await loadModule(url);
  if ('aggregator' in module) return module;
  throw failure(url, 'it was an aggregator when the server started, and is a handler now');
}

/** Loads a middleware module once per thread: its default export is the function. Rejects with `HandlerLoadError`. */
export function loadMiddleware(url: string): Promise<Middleware> {
  return cached(middlewares, url, async () => {
    const module = await importModule(url);
    const [value] = moduleExports(module);
    if (typeof value === 'function' && !isHandlerDefinition(value)) return value as Middleware;
    throw failure(url, 'a middleware module must export a function (task, ctx, next) as default');
  });
}

async function importModule(url: string): Promise<Record<string, unknown>> {
  try {
    return (await import(url)) as Record<string, unknown>;
  } catch (error) {
    throw failure(url, loadReason(url, error), error);
  }
}

function failure(url: string, reason: string, cause?: unknown): HandlerLoadError {
  return new HandlerLoadError(fileURLToPath(url), reason, cause === undefined ? {} : { cause });
}

/** A failure is forgotten, so that the next task tries again. */
function cached<T>(
  cache: Map<string, Promise<T>>,
  url: string,
  load: () => Promise<T>,
): Promise<T> {
  const known = cache.get(url);
  if (known !== undefined) return known;
  const loading = load();
  cache.set(url, loading);
  loading.catch(() => cache.delete(url));
  return loading;
}
