// Everything that is checked without running the code: types, lint, format, the shape of the package, the lockfile.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inRoot } from './paths.mjs';
import { npm, runSilently } from './run.mjs';
import { UserError } from './user-error.mjs';

const LINTED = ['src', 'workers', 'test', 'bench', 'endurance', 'demo', 'scripts'];

const CHECKS = {
  types: () => tool('typescript', 'bin/tsc', '--noEmit', '-p', 'tsconfig.json'),
  lint: () =>
    tool('oxlint', 'bin/oxlint', '--type-aware', '--deny-warnings', ...LINTED.filter(isThere)),
  format: () => tool('@biomejs/biome', 'bin/biome', 'format', '.'),
  package: checkPackage,
  lockfile: checkLockfile,
};

/** Runs every check, or the named ones; goes on after a failure, and fails at the end if there was one. */
export async function check(names) {
  const failed = [];
  for (const [name, run] of Object.entries(CHECKS)) {
    if (names.length > 0 && !names.includes(name)) continue;
    try {
      await run();
      console.log(`ok      ${name}`);
    } catch (error) {
      if (!error.isForUser) throw error;
      console.log(`${error.message}\nfailed  ${name}`);
      failed.push(name);
    }
  }
  if (failed.length > 0) throw new UserError(`Failed: ${failed.join(', ')}.`);
}

async function tool(name, bin, ...args) {
  await runSilently(process.execPath, [inRoot('node_modules', name, bin), ...args], name);
}

function isThere(path) {
  return existsSync(inRoot(path));
}

/** The tarball as a user gets it. Its files were built before, so that packing runs no script. */
async function checkPackage() {
  const folder = mkdtempSync(join(tmpdir(), 'threadmill-pack-'));
  try {
    const [program, args] = npm('pack', '--ignore-scripts', '--pack-destination', folder);
    await runSilently(program, args, 'npm pack');
    const tarball = join(folder, readdirSync(folder)[0]);
    await tool('publint', 'src/cli.js', tarball, '--strict');
    await tool('@arethetypeswrong/cli', 'dist/index.js', tarball, '--profile', 'esm-only');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Addresses in a lockfile bind every user to the registry of whoever wrote it. */
function checkLockfile() {
  const { packages } = JSON.parse(readFileSync(inRoot('package-lock.json'), 'utf8'));
  const bound = Object.keys(packages).filter((path) => packages[path].resolved !== undefined);
  if (bound.length > 0) {
    throw new UserError(
      `package-lock.json has download addresses (of ${bound.slice(0, 3).join(', ')}, ...): see .npmrc`,
    );
  }
}
