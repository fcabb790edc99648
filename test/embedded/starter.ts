/** Run as a child process by the tests: starts an embedded Redis as told, says where, and stops it when told so. */
import { once } from 'node:events';
import { startEmbeddedRedis } from '../../src/embedded/embedded-redis.ts';

const options = JSON.parse(process.argv[2] ?? '{}');
try {
  const redis = await startEmbeddedRedis(options);
  process.stdout.write(`${JSON.stringify({ url: redis.url, socket: redis.socket })}\n`);
  await once(process.stdin, 'data');
  await redis.stop();
  process.stdout.write('stopped\n');
  process.stdin.destroy();
} catch (error) {
  process.stdout.write(`${JSON.stringify({ error: String(error) })}\n`);
  process.exitCode = 1;
}
