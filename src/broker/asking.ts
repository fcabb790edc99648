/** How a command is sent to a server of a Cluster to which its slot is on the way. */
import type { Redis } from 'ioredis';

/** Says before each command that the server may carry it out though it does not own the slot yet. */
export function asking(redis: Redis): Redis {
  return new Proxy(redis, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        // What it answers does not matter: the command behind it is refused then.
        target.asking().catch(() => undefined);
        return Reflect.apply(value, target, args);
      };
    },
  });
}
