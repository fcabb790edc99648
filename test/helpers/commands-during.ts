/** What a Redis is asked to do, as MONITOR shows it. */
import { Redis } from 'ioredis';
import type { TestRedis } from './redis.ts';

/** One command. */
export interface SeenCommand {
  /** In lower case. */
  readonly name: string;
  readonly args: readonly string[];
  /** Asked by a script, not by a client. */
  readonly isInScript: boolean;
}

/** The commands that Redis carries out while `act` runs, in their order. */
export async function commandsDuring(
  redis: Pick<TestRedis, 'client' | 'socket'>,
  act: () => Promise<unknown>,
): Promise<SeenCommand[]> {
  const watcher = new Redis(redis.socket, { replyMapping: 'legacy' });
  const monitor = await watcher.monitor();
  const seen: SeenCommand[] = [];
  const ended = new Promise<void>((resolve) => {
    monitor.on('monitor', (_time: string, words: readonly string[], source: string) => {
      const [name = '', ...args] = words;
      if (args[0] === 'the end') resolve();
      else seen.push({ name: name.toLowerCase(), args, isInScript: source === 'lua' });
    });
  });
  await act();
  await redis.client.echo('the end');
  await ended;
  monitor.disconnect();
  watcher.disconnect();
  return seen;
}
