/** A `Server` of the mixed fleet in a process of its own, until a signal: `node mixed-server.js <options as JSON>`. */
import { Server, type ServerOptions } from '../../src/index.ts';
import { RETRY_DELAY_MS } from './mixed-load.ts';

const [, , options = '{}'] = process.argv;
const server = new Server({
  ...(JSON.parse(options) as ServerOptions),
  logLevel: 'error',
  retryDelay: () => RETRY_DELAY_MS,
});
await server.run();
