import assert from 'node:assert/strict';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { JOURNAL_RECORD_BYTES, readJournal } from '../../src/threads/journal-record.ts';
import { fixture } from '../helpers/paths.ts';
import { until } from '../helpers/server.ts';
import { type PoolHarness, startPool } from './pool-harness.ts';

interface Journal {
  readonly fd: number;
  /** IDs of the tasks it names. */
  names(): string[];
  readonly records: number;
}

function makeJournal(): Journal {
  const folder = mkdtempSync(join(tmpdir(), 'threadmill-journal-'));
  const path = join(folder, 'journal');
  const fd = openSync(path, 'w+');
  after(() => {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });
  return {
    fd,
    names: () => [...readJournal(readFileSync(path))].map((key) => key.split('\0')[1] ?? '').sort(),
    get records() {
      return Math.ceil(readFileSync(path).length / JOURNAL_RECORD_BYTES);
    },
  };
}

/** Resolves when the code of the task runs: main may see that it begins before its record is written. */
async function runWaiting(harness: PoolHarness): Promise<number> {
  const run = harness.hand('wait');
  await harness.untilProgress(run);
  return run;
}

test('the journal names what runs, and what waits for a thread is not in it', async () => {
  const journal = makeJournal();
  const harness = await startPool({ threads: 2, journalFd: journal.fd });
  const runs = [await runWaiting(harness), await runWaiting(harness)];
  harness.hand('ok');
  assert.deepEqual(
    journal.names(),
    runs.map((run) => `task-${run}`),
  );
});

test('a run that is over leaves its record, and the next one takes it', async () => {
  const journal = makeJournal();
  const harness = await startPool({ journalFd: journal.fd });
  for (let count = 0; count < 5; count += 1) await harness.untilOutcome(harness.hand('ok'));
  assert.deepEqual(journal.names(), []);
  const run = await runWaiting(harness);
  assert.deepEqual(journal.names(), [`task-${run}`]);
  assert.equal(journal.records, 1);
});

test('the records of a thread that died are cleared, those of others stay', async () => {
  const journal = makeJournal();
  const harness = await startPool({ threads: 2, journalFd: journal.fd });
  const killed = await harness.spin();
  const other = await runWaiting(harness);
  await harness.pool.terminate(killed);
  assert.deepEqual(journal.names(), [`task-${other}`]);
  const next = await runWaiting(harness);
  assert.deepEqual(journal.names(), [`task-${other}`, `task-${next}`]);
  assert.equal(journal.records, 2);
});

test('a run whose outcome is an uncaught error keeps its record until its thread is gone', async () => {
  const journal = makeJournal();
  const folder = mkdtempSync(join(tmpdir(), 'threadmill-uncaught-'));
  after(() => rmSync(folder, { recursive: true }));
  const [path, ended] = [join(folder, 'path'), join(folder, 'ended')];
  const harness = await startPool({ threads: 2, tasksPerThread: 2, journalFd: journal.fd });
  const payload = Buffer.from(JSON.stringify({ path, ended }));
  // One on each thread, so that one of them keeps the thread of the first alive.
  const others = [await runWaiting(harness), await runWaiting(harness)];
  const first = harness.hand(fixture('hostile/uncaught-then-ends.js'), payload);
  await harness.untilOutcome(first);
  const living = [...others, await runWaiting(harness)].map((run) => `task-${run}`);
  writeFileSync(path, '');
  await until(() => existsSync(ended));
  for (const name of living) assert.ok(journal.names().includes(name), name);
});
