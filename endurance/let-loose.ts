/** Lets bad tasks happen, with good ones between them, and waits until all have ended. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { EnqueueRequest } from '../src/index.ts';
import type { Field } from './field.ts';
import type { Kind, Manner } from './kinds.ts';
import { type Stage, THREADS, until } from './stage.ts';

/** What was let loose. */
export interface Loose {
  /** IDs of the bad ones. */
  readonly bad: readonly string[];
  /** How many good ones went with them. */
  readonly good: number;
}

/** Where, what, and how often. */
export interface LooseOptions {
  readonly stage: Stage;
  readonly field: Field;
  readonly kind: Kind;
  readonly times: number;
}

/** What hangs ends after so long; no task here takes a tenth of it, save on a machine that others keep busy. */
const EACH_MS = 120_000;

/** A good task. */
export const GOOD: EnqueueRequest = { task: { type: 'good', payload: 'x' } };

const MANNERS: Readonly<Record<Manner, (options: LooseOptions) => Promise<Loose>>> = {
  together,
  singly,
  canceled,
  beside,
};

/** Resolves when every one of them has ended. */
export function letLoose(options: LooseOptions): Promise<Loose> {
  return MANNERS[options.kind.manner](options);
}

async function together({ field, kind, times }: LooseOptions): Promise<Loose> {
  const requests = Array.from({ length: times }, () => [request(kind, field), GOOD]).flat();
  const ids = await field.enqueue(requests);
  const isOver = async (): Promise<boolean> => {
    const { pending, active } = (await field.info()).counts;
    return pending + active === 0;
  };
  await until(`${times} of ${kind.type} end`, isOver, EACH_MS + times * 1_000);
  return { bad: ids.filter((_, index) => index % 2 === 0), good: times };
}

async function singly(options: LooseOptions): Promise<Loose> {
  const { stage, field, kind, times } = options;
  const bad: string[] = [];
  for (let i = 0; i < times; i += 1) {
    await done(field, [GOOD]); // a process that dies with nothing done is replaced more and more slowly
    const { late } = await stage.counts();
    const [id = ''] = await field.enqueue([request(kind, field)]);
    if (kind.reason !== 'late') await failed(field, id);
    else {
      const isLate = async (): Promise<boolean> => (await stage.counts()).late > late;
      await until(`an error after the end of ${id}`, isLate, EACH_MS);
    }
    bad.push(id);
  }
  return { bad, good: times };
}

async function canceled({ field, kind, times }: LooseOptions): Promise<Loose> {
  const bad: string[] = [];
  let good = 0;
  while (bad.length < times) {
    await done(field, [GOOD]);
    good += 1;
    const count = Math.min(THREADS, times - bad.length);
    const ids = await field.enqueue(Array.from({ length: count }, () => request(kind, field)));
    for (const id of ids) await runs(field, id);
    await Promise.all(ids.map((id) => field.cancel(id)));
    for (const id of ids) await failed(field, id);
    bad.push(...ids);
  }
  return { bad, good };
}

async function beside({ field, kind, times }: LooseOptions): Promise<Loose> {
  const bad: string[] = [];
  for (let i = 0; i < times; i += 1) {
    const [neighbour = ''] = await field.enqueue([
      { task: { type: 'neighbour', payload: field.marked } },
    ]);
    await runs(field, neighbour);
    const [id = ''] = await field.enqueue([request(kind, field)]);
    await failed(field, id);
    await gone(field, [neighbour]);
    bad.push(id);
  }
  return { bad, good: times };
}

function request({ type, options }: Kind, { marked }: Field): EnqueueRequest {
  return { task: { type, payload: marked }, ...(options === undefined ? {} : { options }) };
}

/** Enqueues tasks and waits until they have succeeded: then nothing is left of them. */
export async function done(field: Field, requests: readonly EnqueueRequest[]): Promise<void> {
  await gone(field, await field.enqueue(requests));
}

async function gone(field: Field, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const isGone = async (): Promise<boolean> => (await field.task(id)) === undefined;
    await until(`good task ${id} succeeds`, isGone, EACH_MS);
  }
}

/** The task has spent an attempt. One that only went back has not. */
async function failed(field: Field, id: string): Promise<void> {
  const hasFailed = async (): Promise<boolean> => {
    const task = await field.task(id);
    return task === undefined || task.state === 'archived' || task.retried > 0;
  };
  await until(`task ${id} fails`, hasFailed, EACH_MS);
}

/** The handler's own code has left its mark. */
function runs({ folder }: Field, id: string): Promise<void> {
  return until(`task ${id} runs`, () => existsSync(join(folder, id)), EACH_MS);
}
