// Compiles the sources to dist/ when they changed. The new folder takes the old one's place when it is complete.
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ensureInstalled } from './install.mjs';
import { withLock } from './lock.mjs';
import { inRoot } from './paths.mjs';
import { runSilently } from './run.mjs';

const SOURCE_FOLDERS = ['src', 'workers', 'test', 'bench', 'endurance', 'demo'];
const ASSET_FOLDERS = ['src', 'workers', 'bench', 'demo'];
const OTHER_INPUTS = ['tsconfig.json', 'package-lock.json'];
const STAMP = '.stamp';

/** Installs and builds what is missing or out of date; without a need, only reads. */
export async function ensureBuilt() {
  const isBuilt = isUpToDate();
  await ensureInstalled({ needsDev: !isBuilt });
  if (isBuilt) return;
  await withLock('build', async () => {
    if (!isUpToDate()) await compile(); // else another process did it meanwhile
  });
}

/** Builds in any case. */
export async function build() {
  await ensureInstalled({ needsDev: true });
  await withLock('build', compile);
}

async function compile() {
  const stamp = stampOfSources(); // before compiling: what is changed meanwhile is built again next time
  removeLeftovers();
  const out = inRoot(`.dist-${process.pid}`); // as deep as dist/, so that source maps find the sources
  try {
    const tsc = inRoot('node_modules', 'typescript', 'bin', 'tsc');
    await runSilently(process.execPath, [tsc, '-p', 'tsconfig.json', '--outDir', out], 'Compiling');
    copyAssets(out);
    rewriteDeclarations(out);
    const bin = join(out, 'src', 'cli', 'main.js');
    if (existsSync(bin)) chmodSync(bin, 0o755);
    writeFileSync(join(out, STAMP), stamp);
    swap(out);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

function swap(out) {
  const old = `${out}-old`;
  if (existsSync(inRoot('dist'))) renameSync(inRoot('dist'), old);
  renameSync(out, inRoot('dist'));
  rmSync(old, { recursive: true, force: true });
}

/** Lua scripts and static files are read from beside the compiled code. */
function copyAssets(out) {
  for (const path of filesIn(ASSET_FOLDERS).filter((name) => !name.endsWith('.ts'))) {
    mkdirSync(dirname(join(out, path)), { recursive: true });
    copyFileSync(inRoot(path), join(out, path));
  }
}

/** `tsc` rewrites `./x.ts` to `./x.js` in code, not in declarations, where a user's compiler would not accept it. */
function rewriteDeclarations(out) {
  for (const name of readdirSync(out, { recursive: true })) {
    if (!name.endsWith('.d.ts')) continue;
    const path = join(out, name);
    const text = readFileSync(path, 'utf8');
    writeFileSync(
      path,
      text.replaceAll(/((?:from|import\()\s*['"]\.[^'"]*)\.ts(?=['"])/g, '$1.js'),
    );
  }
}

function isUpToDate() {
  try {
    return readFileSync(inRoot('dist', STAMP), 'utf8') === stampOfSources();
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}

/** By content, not by time: a clone, a checkout and a copy into an image all change the times. */
function stampOfSources() {
  const hash = createHash('sha256');
  for (const path of [...filesIn(SOURCE_FOLDERS), ...OTHER_INPUTS]) {
    hash
      .update(`${path}\0`)
      .update(readFileSync(inRoot(path)))
      .update('\0');
  }
  return hash.digest('hex');
}

function filesIn(folders) {
  return folders
    .filter((folder) => existsSync(inRoot(folder)))
    .flatMap((folder) =>
      readdirSync(inRoot(folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(inRoot().length))
        .sort(),
    );
}

/** What a build that was killed left. The lock keeps others away from theirs. */
function removeLeftovers() {
  for (const name of readdirSync(inRoot())) {
    if (/^\.dist-\d+(-old)?$/.test(name)) rmSync(inRoot(name), { recursive: true, force: true });
  }
}
