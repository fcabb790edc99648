// What `npm start`, `npm run demo`, `npm test`, `npm run test:interop`, `npm run bench`, `npm run endurance`, `npm run
// chaos` and `npm run check` call. Each works as the first and only command on a fresh clone, so this file runs without node_modules, and on a Node
// that is too old it says so: nothing newer than ES2019 here, and everything else is imported after the check.
import { readFileSync } from 'fs';

const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const wanted = engines.node.replace('>=', '').split('.').map(Number);
const found = process.versions.node.split('.').map(Number);

if (found[0] < wanted[0] || (found[0] === wanted[0] && found[1] < wanted[1])) {
  console.error(
    `Threadmill needs Node.js ${wanted.join('.')} or later; this is ${process.version}.`,
  );
  process.exit(1);
}

import('./lib/commands.mjs')
  .then(({ runCommand }) => runCommand(process.argv[2], process.argv.slice(3)))
  .catch((error) => {
    console.error(error.isForUser ? error.message : error);
    process.exit(error.exitCode || 1);
  });
