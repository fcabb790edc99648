/** Batches of short tasks with one of another kind in their midst, and what came of each (handlers: `fixtures/batches`). */
import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import type { Redis } from 'ioredis';
import type { Client } from '../../src/index.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { until } from './server.ts';

/** Generous: a machine may be busy. */
const LONG_MS = 60_000;

/** The short tasks before the other one, itself, and those behind it, in their order. */
export interface Batch {
  readonly queue: string;
  readonly before: readonly string[];
  readonly middle: string;
  readonly behind: readonly string[];
  /** How often each has begun, by what the handlers wrote. */
  runs(): Map<string, number>;
  /** Lets a `gate` or `kill` go on. */
  open(): void;
  /** Whether so many are completed. */
  hasEnded(count: number): Promise<boolean>;
  /** Waits until each is completed, and checks that none of the short ones ran twice or spent an attempt. */
  completed(): Promise<void>;
  /** Attempts that the other one has spent. */
  spent(): Promise<number | undefined>;
}

/** Makes batches in a folder that goes with the file's tests. */
export function useBatches(
  client: Client,
  redis: Redis,
): (queue: string, type: string, count?: { before?: number; behind?: number }) => Promise<Batch> {
  const folder = mkdtempSync(join(tmpdir(), 'threadmill-batches-'));
  after(() => rmSync(folder, { recursive: true }));
  return async (queue, type, { before: many = 100, behind: rest = 100 } = {}) => {
    const path = join(folder, queue);
    closeSync(openSync(path, 'w'));
    const ids = Array.from({ length: many + 1 + rest }, (_, index) => `${queue}-${index}`);
    const results = await client.enqueueMany(
      ids.map((taskId, index) => ({
        task: { type: index === many ? type : 'mark', payload: { path } },
        options: { taskId, queue, retention: '1h' },
      })),
    );
    assert.ok(results.every(({ ok }) => ok));
    const short = ids.filter((_, index) => index !== many);
    const middle = ids[many] ?? '';
    const hasEnded = async (count: number): Promise<boolean> =>
      (await redis.zcard(queueKeys(queue).completed)) >= count;
    const infoOf = (id: string) => client.getTask({ queue, id });
    const runs = (): Map<string, number> => {
      const counts = new Map<string, number>();
      for (const id of readFileSync(path, 'utf8').split('\n').filter(Boolean)) {
        counts.set(id, (counts.get(id) ?? 0) + 1);
      }
      return counts;
    };
    return {
      queue,
      before: ids.slice(0, many),
      middle,
      behind: ids.slice(many + 1),
      runs,
      open: () => closeSync(openSync(`${path}.go`, 'w')),
      hasEnded,
      async completed() {
        await until(() => hasEnded(ids.length), LONG_MS);
        const counts = runs();
        assert.deepEqual(
          short.filter((id) => counts.get(id) !== 1),
          [],
        );
        const infos = await Promise.all(short.map(infoOf));
        assert.deepEqual(
          infos.filter((info) => info?.retried !== 0),
          [],
        );
      },
      spent: async () => (await infoOf(middle))?.retried,
    };
  };
}
