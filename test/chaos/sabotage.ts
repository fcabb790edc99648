/**
 * Breaks one guarantee, to see the run turn red: in a copy of the compiled code a text is replaced. The product has no
 * hook for it. A text that is not found exactly once is an error: the code has changed, and this table is to follow.
 */
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../helpers/paths.ts';
import type { Recipe } from './plan.ts';
import type { Mix } from './task-set.ts';

/** A text, and what it becomes. */
export interface Edit {
  readonly text: string;
  readonly replacement: string;
  /** Below `dist/`, where it is not the file of the whole way. */
  readonly file?: string;
}

/** One way to break the code. */
export interface SabotageWay {
  /** What is broken, for people. */
  readonly breaks: string;
  /** Below `dist/`. */
  readonly file: string;
  readonly edits: readonly Edit[];
  /** The events and the tasks that show it. */
  readonly recipe: Recipe;
  readonly mix: Mix;
}

/** B stays well, to take what the others lose. */
const PARTITIONS: Recipe = {
  steps: [
    { kind: 'half-open', variants: ['both'], targets: ['A'] },
    { kind: 'half-open', variants: ['both'], targets: ['C'] },
  ],
};
const LATE: Recipe = {
  steps: [
    { kind: 'half-open', variants: ['late'], targets: ['A'] },
    { kind: 'half-open', variants: ['late'], targets: ['C'] },
  ],
};
const QUIET: Recipe = { steps: [{ kind: 'latency' }, { kind: 'cut' }] };
const LOST_ENQUEUES: Recipe = {
  steps: [{ kind: 'lost-reply', variants: ['enqueue'], targets: ['client'] }],
};
const LOST_LEASES: Recipe = {
  steps: [
    { kind: 'lost-reply', variants: ['lease'], targets: ['A'] },
    { kind: 'lost-reply', variants: ['lease'], targets: ['C'] },
    { kind: 'lost-reply', variants: ['lease'], targets: ['B'] },
  ],
};

/** Fewer than there are slots: what is recovered runs at once, and what is not settled at the end is so by sabotage. */
const SHORT: Mix = {
  perSecond: 3,
  shares: { quick: 55, sleep: 20, spin: 10, throw: 10, native: 5 },
};
const LASTING: Mix = { perSecond: 0.8, shares: { quick: 30, sleep: 30, long: 40 } };
const MIDDLING: Mix = { perSecond: 1.3, shares: { quick: 20, sleep: 40, spin: 40 } };

/** Names in `--sabotage`. */
export type Sabotage =
  | 'no-fence'
  | 'no-token'
  | 'early-recovery'
  | 'drop-ack'
  | 'double-enqueue'
  | 'forget-lease';

/** The ways by name. */
export const SABOTAGES: Readonly<Record<Sabotage, SabotageWay>> = {
  'no-fence': {
    breaks: 'a server that cannot extend a lease goes on with its task',
    file: 'src/runtime/fence.js',
    edits: [{ text: 'if (at <= now)', replacement: 'if (at <= Number.NEGATIVE_INFINITY)' }],
    recipe: PARTITIONS,
    mix: LASTING,
  },
  'no-token': {
    breaks: 'any lease is taken for one of our own',
    file: 'src/broker/lua/lib/held.lua',
    edits: [
      {
        text: "if score and token_of(task) == holder .. ' ' .. score then",
        replacement: 'if score then',
      },
      {
        text: "score and redis.pcall('HGET', task, 'threadmill_lease') == SERVER .. ' ' .. holder .. ' ' .. score",
        replacement: 'score',
        file: 'src/broker/lua/settle.lua',
      },
    ],
    recipe: LATE,
    mix: MIDDLING,
  },
  'early-recovery': {
    breaks: 'tasks are recovered while their lease still runs',
    file: 'src/broker/settle.js',
    edits: [
      {
        text: 'export const RECOVERY_MARGIN_SECONDS = 2;',
        replacement: 'export const RECOVERY_MARGIN_SECONDS = -9;',
      },
    ],
    recipe: QUIET,
    mix: SHORT,
  },
  'drop-ack': {
    breaks: 'some outcomes are taken for written although they were not sent',
    file: 'src/runtime/settler.js',
    edits: [
      {
        text: 'const replies = await broker.settle(',
        replacement:
          "const replies = Math.random() < 0.2 ? batch.map(() => 'settled') : await broker.settle(",
      },
    ],
    recipe: QUIET,
    mix: SHORT,
  },
  'double-enqueue': {
    breaks: 'the repeat of an enqueue whose reply was lost is taken for a new one',
    file: 'src/broker/lua/enqueue.lua',
    edits: [
      { text: 'not before or before < NUMBER', replacement: 'true' },
      { text: 'local answer = kept and recall(kept)', replacement: 'local answer = nil' },
      { text: 'kept and recall_part(kept, tonumber(place))', replacement: 'nil' },
      {
        text: "if redis.call('EXISTS', task) == 0 then",
        replacement: 'if true then',
        file: 'src/broker/lua/lib/store.lua',
      },
    ],
    recipe: LOST_ENQUEUES,
    mix: SHORT,
  },
  'forget-lease': {
    breaks: 'what a lost lease reply had brought is not given back',
    file: 'src/runtime/lost-leases.js',
    edits: [{ text: 'this.#calls.push(', replacement: 'void (' }],
    recipe: LOST_LEASES,
    mix: SHORT,
  },
};

/** Makes the broken copy below this folder; answers its `dist/`. Throws where the text is not found exactly once. */
export function makeSabotagedCopy(name: Sabotage, folder: string): string {
  const { file, edits } = SABOTAGES[name];
  const dist = join(folder, 'dist');
  for (const part of ['src', 'workers', 'test/chaos', 'test/helpers']) {
    cpSync(join(packageRoot, 'dist', part), join(dist, part), { recursive: true });
  }
  cpSync(join(packageRoot, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(packageRoot, 'node_modules'), join(folder, 'node_modules'));
  for (const edit of edits) {
    const target = edit.file ?? file;
    const path = join(dist, target);
    writeFileSync(path, edited(readFileSync(path, 'utf8'), edit, target));
  }
  return dist;
}

/** The source with the one occurrence of a text replaced. */
export function edited(source: string, { text, replacement }: Edit, file: string): string {
  const [before, after, ...more] = source.split(text);
  if (before === undefined || after === undefined || more.length > 0) {
    const count = after === undefined ? 0 : more.length + 1;
    throw new Error(`${file} has ${JSON.stringify(text)} ${count} times, not once`);
  }
  return before + replacement + after;
}
