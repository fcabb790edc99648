import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { HttpListenError, PortInUseError } from '../../src/errors.ts';
import { checkLiveness, checkReadiness, type HealthFacts } from '../../src/policy/health.ts';
import { type HttpOptions, type HttpServer, startHttp } from '../../src/web/http.ts';
import { givenTimeOf } from '../helpers/given-time.ts';

const servers: HttpServer[] = [];
after(() => Promise.all(servers.map((server) => server.close())));

const facts: HealthFacts = {
  loopLagMs: 0,
  lastHeartbeatAgeMs: 0,
  heartbeatIntervalMs: 5000,
  isRedisUp: true,
  threadsReady: 1,
  threadsTotal: 1,
  status: 'active',
  isRunning: true,
};

/** The verdicts on these facts. */
function healthOf(given: Partial<HealthFacts> = {}): Pick<HttpOptions, 'liveness' | 'readiness'> {
  const all = { ...facts, ...given };
  return { liveness: () => checkLiveness(all), readiness: () => checkReadiness(all) };
}

async function start(options: Partial<HttpOptions> = {}): Promise<HttpServer> {
  const server = await startHttp({
    port: 0,
    metrics: () =>
      Promise.resolve({ contentType: 'text/plain; version=0.0.4; charset=utf-8', body: 'up 1\n' }),
    ...healthOf(),
    ...options,
  });
  servers.push(server);
  return server;
}

test('/metrics answers the exposition with its content type', async () => {
  const { url } = await start();
  const response = await fetch(`${url}/metrics`);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  assert.equal(await response.text(), 'up 1\n');
});

test('/healthz and /readyz answer 200 when all is well', async () => {
  const { url } = await start();
  for (const path of ['/healthz', '/readyz']) {
    const response = await fetch(url + path);
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), { ok: true, problems: [] });
  }
});

test('/healthz answers 503 with the reason when the loop stood still', async () => {
  const { url } = await start(healthOf({ loopLagMs: 6000 }));
  const response = await fetch(`${url}/healthz`);
  assert.equal(response.status, 503);
  assert.match(JSON.stringify(await response.json()), /stood still for 6000 ms/);
  assert.equal((await fetch(`${url}/readyz`)).status, 200);
});

test('/readyz answers 503 and says which part is not ready', async () => {
  const { url } = await start(healthOf({ isRedisUp: false, threadsReady: 0 }));
  const response = await fetch(`${url}/readyz`);
  assert.equal(response.status, 503);
  assert.deepEqual(await response.json(), {
    ok: false,
    problems: ['Redis is not reachable', 'no thread is ready (0 of 1)'],
  });
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
});

test('every other path and method is not found', async () => {
  const { url } = await start();
  assert.equal((await fetch(url)).status, 404);
  assert.equal((await fetch(`${url}/metrics/x`)).status, 404);
  assert.equal((await fetch(`${url}/metrics`, { method: 'POST', body: 'x' })).status, 404);
});

test('a failing source is a 500, and the next request is answered', async () => {
  let fails = true;
  const { url } = await start({
    metrics: () =>
      fails
        ? Promise.reject(new Error('broken'))
        : Promise.resolve({ contentType: 'text/plain', body: '' }),
  });
  assert.equal((await fetch(`${url}/metrics`)).status, 500);
  fails = false;
  assert.equal((await fetch(`${url}/metrics`)).status, 200);
});

test('it listens on loopback unless told otherwise, on a port that it says', async () => {
  const { url, port } = await start();
  assert.equal(url, `http://127.0.0.1:${port}`);
  assert.ok(port > 0);
});

test('a port in use is a clear error', async () => {
  const { port } = await start();
  await assert.rejects(start({ port }), (error) => {
    assert.ok(error instanceof PortInUseError);
    assert.match(error.message, new RegExp(`port ${port} on 127.0.0.1 is in use`));
    return true;
  });
});

test('an address of another machine is a clear error', async () => {
  await assert.rejects(start({ host: '203.0.113.1' }), (error) => {
    assert.ok(error instanceof HttpListenError);
    assert.match(error.message, /203\.0\.113\.1.*EADDRNOTAVAIL/);
    return true;
  });
});

test('close does not wait for sockets that are idle or have sent half a request', async () => {
  const server = await startHttp({
    port: 0,
    metrics: () => Promise.reject(new Error()),
    ...healthOf(),
  });
  const response = await fetch(`${server.url}/readyz`); // leaves a kept-alive socket behind
  await response.text();
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write('GET /metrics HTTP/1.1\r\n');
  const ms = await givenTimeOf(() => server.close());
  assert.ok(ms < 2_000, `${ms} ms`);
  await assert.rejects(fetch(`${server.url}/readyz`));
  socket.destroy();
});

test('headers beyond the limit are refused', async () => {
  const { url } = await start();
  const response = await fetch(`${url}/readyz`, { headers: { 'x-large': 'x'.repeat(10_000) } });
  assert.equal(response.status, 431);
});
