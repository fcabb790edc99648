import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunTable } from '../../src/threads/run-table.ts';
import { seededRandom } from '../helpers/random.ts';

interface Entry {
  readonly run: number;
}

function same(table: RunTable<Entry>, known: ReadonlyMap<number, Entry>): void {
  assert.equal(table.size, known.size);
  const byRun = (a: Entry, b: Entry): number => a.run - b.run;
  assert.deepEqual(table.values().sort(byRun), [...known.values()].sort(byRun));
  for (const [run, entry] of known) assert.equal(table.get(run), entry);
}

test('a table of runs holds what a map would, also where numbers meet in one place, and grows', () => {
  const random = seededRandom(7);
  const table = new RunTable<Entry>();
  const known = new Map<number, Entry>();
  for (let step = 0; step < 20_000; step += 1) {
    // Neighbours, the same places some rounds later, and the largest numbers there are.
    const near = Math.floor(random() * 300);
    const run = [near, near + 4_096, 2_147_483_647 - near][step % 3] ?? 0;
    if (random() < (step < 10_000 ? 0.6 : 0.4)) {
      const entry = { run };
      table.set(entry);
      known.set(run, entry);
    } else {
      assert.equal(table.delete(run), known.delete(run));
      assert.equal(table.get(run), undefined);
    }
    if (step % 500 === 0) same(table, known);
  }
  same(table, known);
});
