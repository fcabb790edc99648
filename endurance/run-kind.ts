/** Lets one kind of bad task happen to a stage, then good tasks, and looks whether all is as it was. */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { Field } from './field.ts';
import { countedAs, differences, type Reading } from './judge.ts';
import type { Kind } from './kinds.ts';
import { done, GOOD, letLoose } from './let-loose.ts';
import { processTable } from './process-table.ts';
import { type Stage, THREADS, until } from './stage.ts';

/** How often. */
export interface Amounts {
  /** Bad tasks of each kind. */
  readonly times: number;
  /** Good tasks after each kind. */
  readonly good: number;
  /** Part of `times` for kinds that cost seconds each. */
  readonly slow: number;
}

/** A line of the table. */
export interface Result {
  readonly stage: string;
  readonly kind: string;
  readonly times: number;
  readonly countedAs: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly strength: string;
  readonly supervisorMb: number | undefined;
  /** What is off; empty when nothing is. */
  readonly problems: readonly string[];
}

/** A pool that is not whole by then will not be, on the busiest machine. */
const WHOLE_MS = 60_000;
const GOOD_MS = 240_000;

/** Never rejects: what breaks is a problem of the result. */
export async function runKind(
  stage: Stage,
  field: Field,
  kind: Kind,
  amounts: Amounts,
): Promise<Result> {
  const began = performance.now();
  const part = kind.share ?? (kind.isSlow === true ? amounts.slow : 1);
  const times = Math.ceil(amounts.times * part);
  let counted: Record<string, number> = {};
  const problems: string[] = [];
  try {
    const before = await read(stage, field);
    const loose = await letLoose({ stage, field, kind, times });
    problems.push(...(await untilWhole(stage)));
    await meet(field);
    await runGood(field, amounts.good);
    const after = await read(stage, field);
    const bad = await Promise.all(loose.bad.map((id) => field.task(id)));
    const good = loose.good + THREADS + amounts.good;
    counted = countedAs(before.counts, after.counts);
    problems.push(...differences(before, after, { kind, bad, good }), ...leftBy(field));
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  }
  const strength = await stage.strength().catch(() => ({ text: 'none' }));
  return {
    stage: stage.name,
    kind: kind.name,
    times,
    countedAs: counted,
    seconds: (performance.now() - began) / 1_000,
    strength: strength.text,
    supervisorMb: stage.supervisorMb(),
    problems: [...problems, ...stage.takeFaults().map((fault) => `fault: ${fault}`)],
  };
}

async function read(stage: Stage, field: Field): Promise<Reading> {
  const [info, counts] = await Promise.all([field.info(), stage.counts()]);
  return { info, counts };
}

async function untilWhole(stage: Stage): Promise<readonly string[]> {
  let problems: readonly string[] = [];
  const isWhole = async (): Promise<boolean> => {
    ({ problems } = await stage.strength());
    return problems.length === 0;
  };
  await until('the pool is whole', isWhole, WHOLE_MS).catch(() => undefined);
  return problems;
}

/** As many tasks as there are threads, each of which ends only when all run: the pool's own word is not enough. */
async function meet(field: Field): Promise<void> {
  const payload = { folder: mkdtempSync(join(field.folder, 'meeting-')), count: THREADS };
  const request = { task: { type: 'meet', payload } };
  await done(
    field,
    Array.from({ length: THREADS }, () => request),
  );
}

async function runGood(field: Field, count: number): Promise<void> {
  await field.enqueue(Array.from({ length: count }, () => GOOD));
  const isOver = async (): Promise<boolean> => {
    const { pending, active } = (await field.info()).counts;
    return pending + active === 0;
  };
  await until(`${count} good tasks end`, isOver, GOOD_MS);
}

/** What handlers started ends with their thread. */
function leftBy({ seconds }: Field): string[] {
  return processTable()
    .filter(({ command, isZombie }) => command.includes(`sleep ${seconds}`) && !isZombie)
    .map(({ pid, command }) => `process ${pid} is left: ${command}`);
}
