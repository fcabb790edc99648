/** Which tasks are made of which files. Pure. */
import { basename, extname, join } from 'node:path';
import type { EnqueueRequest } from '../src/index.ts';
import type { InputFile } from './files.ts';

const IMAGES: ReadonlySet<string> = new Set(['.jpg', '.jpeg', '.png']);
const TEXTS: ReadonlySet<string> = new Set([
  '.txt',
  '.md',
  '.csv',
  '.html',
  '.json',
  '.js',
  '.ts',
  '.xml',
]);
/** Widths of the thumbnails of each picture, in pixels. */
const WIDTHS = [640, 480, 320, 160] as const;
/** Words per phrase that are counted in each text. */
const PHRASES = [1, 2, 3] as const;
/** The handler's own bound for brotli, which packs a file in one native call: 2 MiB. */
const MAX_BROTLI = 2_097_152;
/** This many of the first tasks fail at their first attempt, one in three. */
const FAIL_FIRST = 3;
/** Marks a task that the demo's middleware fails at its first attempt. */
export const FAIL_FIRST_HEADER = 'demo-fail-first';

/** The tasks for these files, the results of which go below `output`. */
export function planTasks(files: readonly InputFile[], output: string): EnqueueRequest[] {
  const tasks = files
    .flatMap((file, index) => tasksOf(file, join(output, nameOf(file, index))))
    .sort((a, b) => weight(b) - weight(a));
  return tasks.map((planned, index) =>
    index % 3 === 0 && index / 3 < FAIL_FIRST ? failingFirst(planned) : planned,
  );
}

/** Long tasks first: one that begins last would run alone at the end. */
function weight({ task }: EnqueueRequest): number {
  const { format } = task.payload as { readonly format?: string };
  return format === 'brotli' ? 1 : 0;
}

/** Files of one name may come from several folders: the number keeps their results apart. */
function nameOf(file: InputFile, index: number): string {
  return `${String(index + 1).padStart(3, '0')}-${basename(file.path)}`;
}

function tasksOf(file: InputFile, output: string): EnqueueRequest[] {
  const extension = extname(file.path).toLowerCase();
  return [
    ...(TEXTS.has(extension) ? textTasks(file, output) : []),
    ...(IMAGES.has(extension) ? thumbnails(file, output) : []),
    digest(file, output, 'gzip'),
  ];
}

function thumbnails({ path: input }: InputFile, output: string): EnqueueRequest[] {
  return WIDTHS.map((width) =>
    request('image:thumbnail', { input, output: `${output}.${width}.jpg`, width }),
  );
}

/** Brotli is for text alone: pictures are packed already. */
function textTasks(file: InputFile, output: string): EnqueueRequest[] {
  const counts = PHRASES.map((phrase) =>
    request('text:words', {
      input: file.path,
      output: `${output}.words-${phrase}.json`,
      phrase,
    }),
  );
  return file.size > MAX_BROTLI ? counts : [...counts, digest(file, output, 'brotli')];
}

function digest(
  { path: input }: InputFile,
  output: string,
  format: 'gzip' | 'brotli',
): EnqueueRequest {
  const suffix = format === 'gzip' ? 'gz' : 'br';
  return request('file:digest', { input, output: `${output}.${suffix}`, format });
}

function request(type: string, payload: object): EnqueueRequest {
  return { task: { type, payload } };
}

function failingFirst({ task }: EnqueueRequest): EnqueueRequest {
  return { task: { ...task, headers: { [FAIL_FIRST_HEADER]: '1' } } };
}
