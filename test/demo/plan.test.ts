import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findFiles, type InputFile } from '../../demo/files.ts';
import { FAIL_FIRST_HEADER, planTasks } from '../../demo/plan.ts';
import { UsageError } from '../../demo/usage-error.ts';
import { prepareEnqueue } from '../../src/policy/enqueue-options.ts';

const folder = mkdtempSync(join(tmpdir(), 'threadmill-plan-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function kinds(files: readonly InputFile[]): string[] {
  return planTasks(files, '/out').map(({ task }) => {
    const { output } = task.payload as { output: string };
    return `${task.type} ${output}`;
  });
}

test('a picture becomes thumbnails and a gzip copy', () => {
  assert.deepEqual(kinds([{ path: '/in/a.JPG', size: 10 }]).sort(), [
    'file:digest /out/001-a.JPG.gz',
    'image:thumbnail /out/001-a.JPG.160.jpg',
    'image:thumbnail /out/001-a.JPG.320.jpg',
    'image:thumbnail /out/001-a.JPG.480.jpg',
    'image:thumbnail /out/001-a.JPG.640.jpg',
  ]);
});

test('a text becomes word counts and two compressed copies, the longest task first', () => {
  const planned = kinds([{ path: '/in/t.txt', size: 10 }]);
  assert.equal(planned[0], 'file:digest /out/001-t.txt.br');
  assert.equal(planned.filter((line) => line.startsWith('text:words')).length, 3);
  assert.ok(planned.includes('file:digest /out/001-t.txt.gz'));
});

test('a text too large for brotli is left to gzip', () => {
  const planned = kinds([{ path: '/in/t.txt', size: 2_097_153 }]);
  assert.ok(!planned.some((line) => line.endsWith('.br')));
});

test('files of one name in two folders have results of their own', () => {
  const planned = kinds([
    { path: '/a/x.bin', size: 1 },
    { path: '/b/x.bin', size: 1 },
  ]);
  assert.equal(new Set(planned).size, planned.length);
});

test('a few tasks are marked to fail first, and all of them may be enqueued', () => {
  const files = Array.from({ length: 20 }, (_, index) => ({ path: `/in/${index}.txt`, size: 5 }));
  const planned = planTasks(files, '/out');
  const marked = planned.filter(({ task }) => task.headers?.[FAIL_FIRST_HEADER] !== undefined);
  assert.equal(marked.length, 3);
  for (const { task } of planned)
    prepareEnqueue(task, {}, { newId: () => 'id', maxPayloadSize: 4_096 });
});

test('files are found in all folders, hidden ones, links, empty ones and node_modules are not', () => {
  const tree = ['b.txt', 'sub/a.txt', '.hidden', '.git/x', 'node_modules/y.js', 'empty.txt'];
  for (const name of tree) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), name === 'empty.txt' ? '' : 'text');
  }
  symlinkSync(folder, join(folder, 'loop'));
  const found = findFiles(folder);
  assert.deepEqual(
    found.files.map((file) => file.path),
    [join(folder, 'b.txt'), join(folder, 'sub', 'a.txt')],
  );
  assert.equal(found.skipped, 1);
});

test('a folder that is none, or holds nothing, is a usage error', () => {
  assert.throws(() => findFiles(join(folder, 'nowhere')), UsageError);
  mkdirSync(join(folder, 'bare'));
  assert.throws(() => findFiles(join(folder, 'bare')), /has no file to work on/);
});
