/** A process of its own that runs a server until a signal: `node run-server.js <redis url> <handlers> <options as JSON>`. */
import { Server } from '../../src/index.ts';

const [, , redis = '', handlers = '', options = '{}'] = process.argv;
const server = new Server({
  redis,
  handlers,
  concurrency: 1,
  pollInterval: 20,
  ...(JSON.parse(options) as object),
});
server.on('started', ({ task }) => process.stdout.write(`began ${task.id}\n`));
await server.run();
