/** What each part of the broker works with: the connection, and the time offset of tests. */
import type { Connection } from './connection.ts';
import { runScript, type ScriptArgument, type ScriptName } from './script.ts';

export interface BrokerContext {
  readonly connection: Connection;
  /** Seconds added to Redis's clock in every script; 0 outside tests. */
  readonly offsetSeconds: number;
}

/** Runs one script on the broker's connection; see `Connection.run` for its errors. */
export function call(
  context: BrokerContext,
  name: ScriptName,
  keys: readonly string[],
  args: readonly ScriptArgument[],
): Promise<unknown> {
  return context.connection.run((redis) => runScript(redis, name, keys, args), { key: keys[0] });
}
