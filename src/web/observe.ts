/** Metrics and health of a server over HTTP, in one call: what `threadmill serve` uses, and users of the library. */
import type { Registry } from 'prom-client';
import { createMetrics, type Metrics } from '../metrics/create-metrics.ts';
import { checkLiveness, checkReadiness } from '../policy/health.ts';
import type { Server } from '../runtime/server.ts';
import { healthFacts } from './health-facts.ts';

/** What `observe` takes. */
export interface ObserveOptions {
  /** Default 127.0.0.1: metrics tell more than strangers should know. */
  readonly host?: string;
  /** Default 9464; 0 = any free one; `off` = no HTTP, only the registry. */
  readonly port?: number | 'off';
  /** Queues whose `asynq_*` series are read at a scrape; default `true` = those the server serves. */
  readonly queueMetrics?: boolean | readonly string[];
}

/** A server that is observed. */
export interface Observation {
  /** `http://host:port`; `undefined` when the port is `off`. */
  readonly url: string | undefined;
  /** For metrics of your own. */
  readonly registry: Registry;
  close(): Promise<void>;
}

const DEFAULT_PORT = 9464;

/**
 * Serves `/metrics`, `/healthz` and `/readyz`. Call it before `server.start()`, so that nothing is missed. Rejects with
 * `PortInUseError` or `HttpListenError`.
 */
export async function observe(server: Server, options: ObserveOptions = {}): Promise<Observation> {
  const { host, port = DEFAULT_PORT, queueMetrics = true } = options;
  const metrics = createMetrics(server, { queueMetrics });
  if (port === 'off') return observation(undefined, metrics, () => Promise.resolve());
  try {
    // Not with the library: 7 % of its load time, which who only enqueues would spend for nothing.
    const { startHttp } = await import('./http.ts');
    const http = await startHttp({
      port,
      ...(host === undefined ? {} : { host }),
      metrics: () => metrics.scrape(),
      liveness: () => checkLiveness(healthFacts(server, metrics)),
      readiness: () => checkReadiness(healthFacts(server, metrics)),
    });
    return observation(http.url, metrics, () => http.close());
  } catch (error) {
    metrics.stop();
    throw error;
  }
}

function observation(
  url: string | undefined,
  metrics: Metrics,
  closeHttp: () => Promise<void>,
): Observation {
  return {
    url,
    registry: metrics.registry,
    async close() {
      await closeHttp();
      metrics.stop();
    },
  };
}
