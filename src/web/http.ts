/** The HTTP server round the routes: listens, bounds what clients may do, closes without waiting for idle sockets. */
import { createServer, type Server as NodeServer, type ServerOptions } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { HttpListenError, PortInUseError } from '../errors.ts';
import { createRoutes, type HttpSources } from './routes.ts';

/** Where to listen, and what to show. */
export interface HttpOptions extends HttpSources {
  /** Default loopback only: metrics tell more than strangers should know. */
  readonly host?: string;
  /** 0 = any free one. */
  readonly port: number;
}

/** A listening HTTP server. */
export interface HttpServer {
  /** `http://host:port`, with the port that was really taken. */
  readonly url: string;
  readonly port: number;
  /** Takes no more connections and waits for running requests, but no longer than a second. */
  close(): Promise<void>;
}

/** Requests have no body and few headers: whoever needs longer than this is no scraper. */
const LIMITS: ServerOptions = {
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 5000,
  maxHeaderSize: 8192,
};
/** Scrapers and probes are few; more sockets than this are a leak or an attack. */
const MAX_CONNECTIONS = 256;
/** How long `close` waits for running requests. */
const CLOSE_TIMEOUT_MS = 1000;

/** Listens. Rejects with `PortInUseError`, or with `HttpListenError` for any other reason. */
export async function startHttp(options: HttpOptions): Promise<HttpServer> {
  const { host = '127.0.0.1', port } = options;
  const handle = getRequestListener(createRoutes(options).fetch, { overrideGlobalObjects: false });
  const server = createServer(LIMITS, (request, response) => {
    // The listener answers its own errors; what is left is a socket that went away.
    handle(request, response).catch(() => response.destroy());
  });
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, host, port);
  const address = server.address();
  const taken = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}`,
    port: taken,
    close: () => close(server),
  };
}

function listen(server: NodeServer, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => reject(listenError(error, host, port));
    server.once('error', onError);
    server.listen({ host, port }, () => {
      server.off('error', onError);
      resolve();
    });
  });
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === 'EADDRINUSE') return new PortInUseError(host, port, { cause: error });
  return new HttpListenError(host, port, error.code ?? error.message, { cause: error });
}

function close(server: NodeServer): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), CLOSE_TIMEOUT_MS);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
