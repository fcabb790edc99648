/** A `Server` in a process of its own, until a signal: `node library-server.js <options as JSON>`. */
import { createLogger, Server, type ServerOptions } from '../../src/index.ts';
import { RETRY_DELAY_MS } from './settings.ts';

const [, , options = '{}'] = process.argv;
const server = new Server({
  ...(JSON.parse(options) as ServerOptions),
  logger: createLogger({ level: 'debug' }),
  retryDelay: () => RETRY_DELAY_MS,
});
await server.run();
