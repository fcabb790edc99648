/** Which runtimes are let suffer what, and which of them at the same time. */
import { fileURLToPath } from 'node:url';
import { Field } from './field.ts';
import {
  type Kind,
  MEMORY_KINDS,
  NATIVE_KINDS,
  PARSE_ENDS,
  PROCESS_ENDS,
  SHARED_ENDS,
  THREAD_ENDS,
  THREAD_KINDS,
} from './kinds.ts';
import { LibraryStage } from './library-stage.ts';
import { type Amounts, type Result, runKind } from './run-kind.ts';
import { ServeStage } from './serve-stage.ts';
import type { Stage } from './stage.ts';

/** A runtime and its kinds, one after the other. */
export interface Lane {
  readonly queue: string;
  readonly kinds: readonly Kind[];
  open(where: Where): Promise<Stage>;
}

/** What a lane needs. */
export interface Where {
  readonly queue: string;
  readonly redisUrl: string;
  readonly scratch: string;
}

const HANDLERS = fileURLToPath(new URL('./handlers', import.meta.url));

const MAX_OLD_GENERATION_MB = 64;
const MAX_TASK_MEMORY_MB = 96;
const SMALL_HEAP = { MAX_OLD_GENERATION_MB: String(MAX_OLD_GENERATION_MB) };

/** The supervisor may grow by so much while it warms up; later growth would have no end. */
const GROWTH_MB = 64;

/** Tracks run at the same time, the lanes of one track one after the other. */
export const TRACKS: readonly (readonly Lane[])[] = [
  [serve('endure-threads', [...THREAD_KINDS, ...THREAD_ENDS], SMALL_HEAP)],
  [serve('endure-processes', PROCESS_ENDS, SMALL_HEAP)],
  [serve('endure-parsers', PARSE_ENDS, SMALL_HEAP)],
  [
    serve('endure-native', NATIVE_KINDS, SMALL_HEAP),
    serve('endure-memory', MEMORY_KINDS, { MAX_TASK_MEMORY_MB: String(MAX_TASK_MEMORY_MB) }),
    serve('endure-shared', SHARED_ENDS, SMALL_HEAP),
  ],
  [
    library('endure-library', [...THREAD_KINDS, ...THREAD_ENDS], {
      maxOldGenerationMb: MAX_OLD_GENERATION_MB,
    }),
    library('endure-library-memory', MEMORY_KINDS, { maxTaskMemoryMb: MAX_TASK_MEMORY_MB }),
  ],
];

/** Runs a lane; `onResult` is told each line as it is there. Answers what was off beyond the lines. */
export async function runLane(
  lane: Lane,
  amounts: Amounts,
  where: Omit<Where, 'queue'>,
  onResult: (result: Result) => void,
): Promise<string[]> {
  const { queue, kinds } = lane;
  if (kinds.length === 0) return [];
  const field = new Field(where.redisUrl, queue, where.scratch);
  try {
    const stage = await lane.open({ ...where, queue });
    const results: Result[] = [];
    for (const kind of kinds) {
      const result = await runKind(stage, field, kind, amounts);
      results.push(result);
      onResult(result);
    }
    const ended = await stage.close();
    return [...growth(results), ...ended].map((problem) => `${queue}: ${problem}`);
  } finally {
    await field.close();
  }
}

function growth(results: readonly Result[]): string[] {
  const [first] = results;
  const last = results.at(-1);
  if (first?.supervisorMb === undefined || last?.supervisorMb === undefined) return [];
  const grownMb = last.supervisorMb - first.supervisorMb;
  if (grownMb < GROWTH_MB) return [];
  return [`the supervisor grew by ${Math.round(grownMb)} MB`];
}

function serve(queue: string, kinds: readonly Kind[], env: Readonly<Record<string, string>>): Lane {
  return {
    queue,
    kinds,
    open: ({ redisUrl }) => ServeStage.open({ queue, redisUrl, handlers: HANDLERS, env }),
  };
}

function library(
  queue: string,
  kinds: readonly Kind[],
  options: { readonly maxOldGenerationMb?: number; readonly maxTaskMemoryMb?: number },
): Lane {
  return {
    queue,
    kinds,
    open: ({ redisUrl }) =>
      LibraryStage.open({ queue, redis: redisUrl, handlers: HANDLERS, ...options }),
  };
}
