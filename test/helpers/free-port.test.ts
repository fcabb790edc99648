import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { BUS_OFFSET, freePort } from './free-port.ts';

const RANGE = '/proc/sys/net/ipv4/ip_local_port_range';

/** The lowest port that the system gives to a connection. */
function lowestOfSystem(): number {
  return existsSync(RANGE) ? Number(readFileSync(RANGE, 'utf8').split(/\s+/)[0]) : 49_152;
}

test('a port for a server is none that a connection may take, and so is its cluster bus; each is given once', async () => {
  const ports = [];
  for (let i = 0; i < 20; i++) ports.push(await freePort());
  assert.equal(new Set(ports).size, ports.length);
  assert.ok(Math.max(...ports) + BUS_OFFSET < lowestOfSystem(), `${Math.max(...ports)}`);
});

test('a port whose cluster bus is taken is not given', async (t) => {
  const next = (await freePort()) + 1;
  const server = createServer().listen(next + BUS_OFFSET, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  assert.notEqual(await freePort(), next);
});
