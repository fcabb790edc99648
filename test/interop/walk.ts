/** The points of the protocol's conformance checklist (section 29) as tests, and the record of their results. */
import { appendFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { Row } from './table.ts';
import { type Stage, useClusterStage, useSingle } from './stage.ts';

/** What a point is about. */
export interface PointFacts {
  /** Its number in the checklist. */
  readonly point: number;
  /** Who writes, and who reads or runs what was written: `Go to Threadmill`. */
  readonly direction: string;
  /** Of asynq; `CLI` for its command line. */
  readonly version: string;
  /** What the table says, where several tests share a line. Default: the test's title. */
  readonly what?: string;
}

/** Points wait for each other's polling most of the time. */
const AT_ONCE = 12;

/** Declares the points of a file, once for a single Redis and once for a Cluster, which is point 12. */
export async function walk(
  title: string,
  define: (stage: Stage) => void,
  atOnce: number = AT_ONCE,
): Promise<void> {
  const stages = [await useSingle(), await useClusterStage()];
  describe(title, { concurrency: stages.length }, () => {
    for (const stage of stages) {
      describe(`on a ${stage.kind}`, { concurrency: atOnce }, () => define(stage));
    }
  });
}

/** One point on one stage: a test, and what it adds to the table. */
export function point(
  stage: Stage,
  facts: PointFacts,
  title: string,
  run: () => Promise<void>,
): void {
  const { direction, version, what = title } = facts;
  test(`${facts.point}. ${title} [${direction}, ${version}, ${stage.kind}]`, async () => {
    let isOk = false;
    try {
      await run();
      isOk = true;
    } finally {
      note({ point: facts.point, direction, version, what, on: stage.kind, isOk });
    }
  });
}

/** Test files run in processes of their own: what they found goes through a file. */
function note(row: Row): void {
  const path = process.env['THREADMILL_INTEROP_RESULTS'];
  if (path !== undefined) appendFileSync(path, `${JSON.stringify(row)}\n`);
}
