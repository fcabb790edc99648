/** The fleet's HTTP: `/metrics`, `/healthz` and `/readyz` over all children. */
import type { Logger } from 'pino';
import type { ServeSettings } from '../config.ts';
import { PortInUseError } from '../errors.ts';
import {
  checkFleetLiveness,
  checkFleetReadiness,
  type FleetFacts,
  type HealthVerdict,
} from '../policy/health.ts';
import { type HttpServer, startHttp } from '../web/http.ts';
import type { Fleet } from './fleet.ts';
import type { FleetScrape } from './fleet-scrape.ts';

/** What it shows. */
export interface FleetSources {
  readonly scrape: Pick<FleetScrape, 'scrape'>;
  readonly fleet: Pick<Fleet, 'probe'>;
  health(): FleetFacts;
}

/** How long a probe waits for children that did not seem ready. */
const PROBE_MS = 200;

/** Listens, unless the port is `off`. A port that nobody chose may be taken: then any free one will do. */
export async function openFleetHttp(
  settings: Pick<ServeSettings, 'httpHost' | 'httpPort' | 'isHttpPortChosen'>,
  sources: FleetSources,
  logger: Logger,
): Promise<Pick<HttpServer, 'close'>> {
  const { httpHost: host, httpPort: port, isHttpPortChosen } = settings;
  if (port === 'off') return { close: () => Promise.resolve() };
  const open = (where: number): Promise<HttpServer> =>
    startHttp({
      host,
      port: where,
      metrics: () => sources.scrape.scrape(),
      liveness: () => checkFleetLiveness(sources.health()),
      readiness: () => readiness(sources),
    });
  const http = await open(port).catch((error: unknown) => {
    if (isHttpPortChosen || !(error instanceof PortInUseError)) throw error;
    logger.warn({ port }, 'HTTP port in use: taking any free one');
    return open(0);
  });
  logger.info({ url: http.url }, 'HTTP server listens');
  return http;
}

/** What children said last may be two seconds old: before the answer is no, they are asked. */
async function readiness({ fleet, health }: FleetSources): Promise<HealthVerdict> {
  const verdict = checkFleetReadiness(health());
  if (verdict.isOk) return verdict;
  await fleet.probe(PROBE_MS);
  return checkFleetReadiness(health());
}
