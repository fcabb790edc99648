import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { JOURNAL_RECORD_BYTES, journalKey, readJournal } from '../../src/threads/journal-record.ts';
import { fixture } from '../helpers/paths.ts';
import { tempModules } from '../helpers/temp-modules.ts';
import { startThread } from '../helpers/worker-harness.ts';

const acts = fixture('threads/contain.js');

interface TestJournal {
  readonly fd: number;
  /** A task that tells, as its progress, whether the journal names it when its code begins, and waits to be stopped. */
  readonly reading: { readonly type: string; readonly payload: string };
  readonly names: () => string[];
  readonly bytes: () => Buffer;
}

/** An empty journal, and what stands in it. */
async function useJournal(): Promise<TestJournal> {
  const path = join(await tempModules({}), 'journal');
  const fd = openSync(path, 'w+');
  after(() => closeSync(fd));
  const bytes = (): Buffer => readFileSync(path);
  const reading = { type: 'readAndWait', payload: path };
  return { fd, reading, bytes, names: () => [...readJournal(bytes())] };
}

test('a run stands in the journal from before it begins until its code has ended', async () => {
  const journal = await useJournal();
  const thread = await startThread({ journalFd: journal.fd });
  const { type, payload } = journal.reading;
  const run = thread.hand(acts, { type, payload, queue: 'images', id: 'ü-1', journalSlot: 2 });
  const { value } = await thread.until('progress', run.run);
  assert.equal(value, true);
  assert.deepEqual(journal.names(), [journalKey({ queue: 'images', taskId: 'ü-1' })]);
  assert.ok(journal.bytes().readUInt16LE(2 * JOURNAL_RECORD_BYTES) > 0);
  thread.stop(run.run, 'canceled');
  await run.outcome;
  assert.deepEqual(journal.names(), []);
});

test('a run whose handler throws leaves the journal too', async () => {
  const journal = await useJournal();
  const thread = await startThread({ journalFd: journal.fd });
  const failed = await thread.run(acts, { type: 'fail', journalSlot: 0 });
  assert.equal(failed.kind, 'threw');
  assert.ok(journal.bytes().length > 0);
  assert.deepEqual(journal.names(), []);
});

test('runs of one thread have a record each, and those without a slot have none', async () => {
  const journal = await useJournal();
  const thread = await startThread({ journalFd: journal.fd, tasksPerThread: 3 });
  const { type, payload } = journal.reading;
  const first = thread.hand(acts, { type, payload, id: 'one', journalSlot: 5 });
  const second = thread.hand(acts, { type, payload, id: 'two', journalSlot: 0 });
  const unnamed = thread.hand(acts, { type, payload, id: 'three' });
  await Promise.all([first, second, unnamed].map(({ run }) => thread.until('progress', run)));
  const keys = ['two', 'one'].map((taskId) => journalKey({ queue: 'default', taskId }));
  assert.deepEqual(journal.names(), keys);
  thread.stop(first.run, 'canceled');
  await first.outcome;
  assert.deepEqual(journal.names(), keys.slice(0, 1));
});

test('code that goes on after its run failed of an uncaught error stays in the journal', async () => {
  const journal = await useJournal();
  const thread = await startThread({ journalFd: journal.fd, tasksPerThread: 2 });
  const neighbour = thread.hand(acts, { type: 'wait', id: 'neighbour', journalSlot: 1 });
  const culprit = thread.hand(acts, { type: 'goesOn', id: 'culprit', journalSlot: 0 });
  assert.equal((await culprit.outcome).kind, 'threw');
  const keys = ['culprit', 'neighbour'].map((taskId) => journalKey({ queue: 'default', taskId }));
  assert.deepEqual(journal.names(), keys);
  thread.stop(neighbour.run, 'canceled');
  await neighbour.outcome;
  await thread.ended;
  assert.deepEqual(journal.names(), []); // all code of the thread has ended with it
});

test('a journal that cannot be written fails no task and is told of once', async () => {
  const thread = await startThread({ journalFd: 1_000_000 });
  for (let count = 0; count < 3; count += 1) {
    const outcome = await thread.run(acts, { type: 'sleep', payload: 1, journalSlot: 0 });
    assert.equal(outcome.kind, 'returned');
  }
  const lines = thread.lines(0);
  assert.deepEqual(
    lines.map(({ level, message }) => [level, message]),
    [['error', 'the journal could not be written']],
  );
  assert.match(lines[0]?.fields ?? '', /EBADF/);
});

test('a thread without a journal writes none', async () => {
  const thread = await startThread();
  const outcome = await thread.run(acts, { type: 'sleep', payload: 1, journalSlot: 0 });
  assert.equal(outcome.kind, 'returned');
  assert.deepEqual(thread.lines(0), []);
});
