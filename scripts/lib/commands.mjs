// The commands behind the scripts of package.json.
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { ensureBuilt } from './build.mjs';
import { check } from './check.mjs';
import { inRoot } from './paths.mjs';
import { runTests } from './test.mjs';
import { UserError } from './user-error.mjs';

const COMMANDS = {
  start: (args) => become('dist/src/cli/main.js', ['serve', ...args]),
  demo: (args) => becomeWithRedis('dist/demo/demo.js', args),
  bench: (args) => becomeWithRedis('dist/bench/bench.js', args),
  endurance: async (args) => {
    await ensureRedis();
    await become('dist/endurance/endurance.js', args);
  },
  chaos: async (args) => {
    await ensureRedis();
    await become('dist/test/chaos/main.js', args);
  },
  'test:interop': async (args) => {
    await ensureRedis();
    await become('dist/test/interop/main.js', args);
  },
  test: async (args) => {
    await ensureRedis();
    await runTests(args);
  },
  check,
};

/** Installs and builds what is missing, then does what the command says. */
export async function runCommand(name, args) {
  const command = Object.hasOwn(COMMANDS, name ?? '') ? COMMANDS[name] : undefined;
  if (command === undefined) {
    const names = Object.keys(COMMANDS).join(', ');
    throw new UserError(`unknown command ${JSON.stringify(name)}: use one of ${names}`, 2);
  }
  await ensureBuilt();
  await command(args);
}

/**
 * Runs a compiled program in this very process: signals, exit code and `kill -9` are its own, and a Ctrl-C reaches
 * it without a process between that would deliver it a second time.
 */
async function become(path, args) {
  const file = inRoot(path);
  if (!existsSync(file)) throw new UserError(`there is no ${path} in this repository`);
  process.setSourceMapsEnabled(true);
  process.argv = [process.execPath, file, ...args];
  await import(pathToFileURL(file).href);
}

async function becomeWithRedis(path, args) {
  if (!process.env.REDIS_URL) await ensureRedis();
  await become(path, args);
}

/** Installs a Redis server where there is none, before anything else is on the screen. */
async function ensureRedis() {
  const url = pathToFileURL(inRoot('dist/src/embedded/install-server.js')).href;
  const { ensureServer } = await import(url);
  try {
    await ensureServer({ onInstall: (line) => console.error(line) });
  } catch (error) {
    throw error.code === 'ERR_EMBEDDED_REDIS' ? new UserError(error.message) : error;
  }
}
