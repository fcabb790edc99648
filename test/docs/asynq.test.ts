/** `docs/asynq.md`, as far as it can be checked without Go; `npm run test:interop` runs its programs. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../helpers/paths.ts';
import { compile, makeProject } from './project.ts';
import { readme, snippetsOf } from './readme.ts';
import { commandsOf, problemsOf } from './shell.ts';

const text = readFileSync(join(packageRoot, 'docs', 'asynq.md'), 'utf8');
const snippets = snippetsOf(text);
const KINDS = new Map([
  ['file', ['js', 'ts']],
  ['go', ['go']],
  ['shell', ['sh']],
]);

test('every code block of the page is marked with how it is checked', () => {
  assert.ok(snippets.length > 5);
  for (const { how, language, line } of snippets) {
    assert.ok(KINDS.get(how)?.includes(language), `docs/asynq.md:${line}: ${how} for ${language}`);
  }
});

test('the modules of the page compile under the strictest settings', async () => {
  const project = makeProject(snippets);
  try {
    assert.equal(await compile(project), '');
  } finally {
    rmSync(project.folder, { recursive: true, force: true });
  }
});

test('the shell lines of the page name programs, flags and variables that exist', () => {
  for (const { how, text: lines, line } of snippets) {
    if (how !== 'shell') continue;
    for (const command of commandsOf(lines)) {
      assert.deepEqual(problemsOf(command, []), [], `docs/asynq.md:${line}: ${command}`);
    }
  }
});

test('the README leads to the page, the page to headings of the README, and the package has it', () => {
  assert.match(readme, /\]\(docs\/asynq\.md\)/);
  const links = [...text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)];
  assert.ok(links.length > 0);
  const headings = [...readme.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
  for (const [, path = '', heading] of links) {
    assert.ok(existsSync(join(packageRoot, 'docs', path)), path);
    if (heading !== undefined) assert.ok(headings.includes(heading), heading);
  }
  const manifest = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
    readonly files: readonly string[];
  };
  assert.ok(manifest.files.includes('docs'));
});
