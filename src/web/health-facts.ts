/** What a probe needs to know of a server. */
import type { Metrics } from '../metrics/create-metrics.ts';
import type { HealthFacts } from '../policy/health.ts';
import type { Server } from '../runtime/server.ts';

/** The facts of this moment. */
export function healthFacts(server: Server, { loopLag }: Metrics): HealthFacts {
  const snapshot = server.snapshot();
  return {
    ...snapshot,
    loopLagMs: loopLag.longestMs(),
    heartbeatIntervalMs: server.settings.heartbeatIntervalMs,
    isRunning: snapshot.status === 'active',
  };
}
