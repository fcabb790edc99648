/** What the live view shows, as data; and how keys and looks change it. Pure: no terminal, no Redis. */
import type { QueueInfo } from '../../broker/broker.ts';

/** The three lists; one has the keys. */
export type Panel = 'queues' | 'workers' | 'failures';

export const PANELS: readonly Panel[] = ['queues', 'workers', 'failures'];

/** A queue with its rates. */
export interface QueueRow extends Omit<QueueInfo, 'takenAt'> {
  /** Attempts per second over the last looks, failures included; `undefined` before there were two. */
  readonly processedPerSecond: number | undefined;
  readonly failedPerSecond: number | undefined;
}

/** A task that a server is running. */
export interface WorkerRow {
  readonly taskId: string;
  readonly type: string;
  readonly queue: string;
  /** `host:pid`. */
  readonly server: string;
  readonly startedAt: Date;
  readonly deadline?: Date;
}

/** A task that has failed and waits for its retry, or rests in the archive. */
export interface FailureRow {
  readonly taskId: string;
  readonly type: string;
  readonly queue: string;
  readonly state: 'retry' | 'archived';
  readonly error: string;
  readonly failedAt: Date;
  readonly retried: number;
  readonly maxRetry: number;
}

/** One look at the fleet. */
export interface Snapshot {
  readonly at: Date;
  readonly queues: readonly QueueRow[];
  readonly servers: {
    readonly count: number;
    readonly concurrency: number;
    /** Queues that some server serves. */
    readonly queues: readonly string[];
  };
  readonly workers: readonly WorkerRow[];
  /** Newest first. */
  readonly failures: readonly FailureRow[];
}

/** What a key asks for. */
export type Action =
  | { readonly kind: 'pause' | 'resume'; readonly queue: string }
  | {
      readonly kind: 'cancel' | 'run';
      readonly queue: string;
      readonly taskId: string;
      readonly type: string;
    };

/** A line for the user. */
export interface Notice {
  readonly text: string;
  readonly isError: boolean;
}

/** All that is shown. */
export interface WatchModel {
  /** Which Redis, without secrets. */
  readonly title: string;
  /** `undefined` before the first look. */
  readonly snapshot: Snapshot | undefined;
  readonly panel: Panel;
  /** Key of the chosen row per list; it stays chosen where the list moves. */
  readonly chosen: Readonly<Partial<Record<Panel, string>>>;
  /** Why there are no new figures, and since when. */
  readonly trouble?: { readonly reason: string; readonly since: Date };
  readonly notice?: Notice;
  /** Waits for a yes. */
  readonly question?: Action;
  readonly isHelpShown: boolean;
}

/** The model before the first look. */
export function newModel(title: string): WatchModel {
  return { title, snapshot: undefined, panel: 'queues', chosen: {}, isHelpShown: false };
}

/** Keys of the rows of a list, in the order shown. */
export function rowKeys({ snapshot }: WatchModel, panel: Panel): string[] {
  if (snapshot === undefined) return [];
  if (panel === 'queues') return snapshot.queues.map(({ queue }) => queue);
  return snapshot[panel].map(({ queue, taskId }) => `${queue}\n${taskId}`);
}

/** Position of the chosen row; the first when what was chosen is gone; -1 in an empty list. */
export function chosenIndex(model: WatchModel, panel: Panel): number {
  const keys = rowKeys(model, panel);
  const index = keys.indexOf(model.chosen[panel] ?? '');
  return index < 0 && keys.length > 0 ? 0 : index;
}

/** A new look: the figures are new, the trouble is over, and what was chosen stays, or its neighbour takes its place. */
export function withSnapshot(model: WatchModel, snapshot: Snapshot): WatchModel {
  const { trouble: _over, ...rest } = model;
  const next = { ...rest, snapshot };
  const chosen = { ...model.chosen };
  for (const panel of PANELS) {
    const keys = rowKeys(next, panel);
    const before = chosenIndex(model, panel);
    if (!keys.includes(chosen[panel] ?? '')) {
      const neighbour = keys[Math.max(0, Math.min(before, keys.length - 1))];
      if (neighbour === undefined) delete chosen[panel];
      else chosen[panel] = neighbour;
    }
  }
  return { ...next, chosen };
}

/** What an action has done, before the next look shows it: the same key pressed again must undo it. */
export function withAction(model: WatchModel, { kind, queue: name }: Action): WatchModel {
  const { snapshot } = model;
  if (snapshot === undefined || (kind !== 'pause' && kind !== 'resume')) return model;
  const queues = snapshot.queues.map((row) =>
    row.queue === name ? { ...row, isPaused: kind === 'pause' } : row,
  );
  return { ...model, snapshot: { ...snapshot, queues } };
}

/** Redis did not answer. */
export function withTrouble(model: WatchModel, reason: string, since: Date): WatchModel {
  return { ...model, trouble: { reason, since: model.trouble?.since ?? since } };
}

/** The choice moved by so many rows, within the list. */
export function moved(model: WatchModel, by: number): WatchModel {
  const keys = rowKeys(model, model.panel);
  const at = Math.max(0, Math.min(keys.length - 1, chosenIndex(model, model.panel) + by));
  const key = keys[at];
  return key === undefined ? model : { ...model, chosen: { ...model.chosen, [model.panel]: key } };
}

/** The keys go to the next list, or the one before. */
export function switched(model: WatchModel, by: 1 | -1): WatchModel {
  const at = (PANELS.indexOf(model.panel) + by + PANELS.length) % PANELS.length;
  return { ...model, panel: PANELS[at] ?? 'queues' };
}

/** The queue of the chosen row, in whichever list. */
export function chosenQueue(model: WatchModel): QueueRow | undefined {
  const row = chosenRow(model, model.panel);
  return model.snapshot?.queues.find(({ queue }) => queue === row?.queue);
}

function chosenRow(model: WatchModel, panel: Panel): { readonly queue: string } | undefined {
  return model.snapshot?.[panel][chosenIndex(model, panel)];
}

/** The running task that is chosen, if its list has the keys. */
export function chosenWorker(model: WatchModel): WorkerRow | undefined {
  if (model.panel !== 'workers') return undefined;
  return model.snapshot?.workers[chosenIndex(model, 'workers')];
}

/** The failed task that is chosen, if its list has the keys. */
export function chosenFailure(model: WatchModel): FailureRow | undefined {
  if (model.panel !== 'failures') return undefined;
  return model.snapshot?.failures[chosenIndex(model, 'failures')];
}
