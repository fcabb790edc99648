/** The proxy does to a connection what it says, before a real Redis. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { freePort } from '../helpers/free-port.ts';
import { useRedis } from '../helpers/redis.ts';
import { until } from '../helpers/server.ts';
import { Proxy } from './proxy.ts';

const port = await freePort();
const redis = await useRedis({ args: ['--port', String(port), '--bind', '127.0.0.1'] });

/** A proxy with one connection that has been used. */
async function open(): Promise<{ proxy: Proxy; socket: Socket; heard: () => string }> {
  const proxy = await Proxy.open(() => port);
  const socket = createConnection({ host: '127.0.0.1', port: Number(new URL(proxy.url).port) });
  let text = '';
  socket.on('data', (chunk) => {
    text += String(chunk);
  });
  socket.on('error', () => undefined);
  after(async () => {
    socket.destroy();
    await proxy.close();
  });
  socket.write('PING\r\n');
  await until(() => text === '+PONG\r\n');
  text = '';
  return { proxy, socket, heard: () => text };
}

test('a cut ends every connection at once', async () => {
  const { proxy, socket } = await open();
  const closed = once(socket, 'close');
  assert.equal(proxy.cut(), 1);
  await closed;
});

test('a half-open connection passes nothing, or requests only, until its client ends it', async () => {
  for (const [silence, arrives] of [
    ['both', false],
    ['replies', true],
  ] as const) {
    const { proxy, socket, heard } = await open();
    const heal = proxy.silence(silence);
    socket.write(`SET ${silence} 1\r\n`);
    await until(() => proxy.damage.swallowedBytes > 0);
    if (arrives) await until(async () => (await redis.client.get(silence)) === '1');
    heal();
    socket.write('PING\r\n');
    await until(() => proxy.damage.swallowedBytes > (arrives ? 5 : 15));
    assert.equal(await redis.client.get(silence), arrives ? '1' : null);
    assert.equal(heard(), '');
    assert.equal(socket.destroyed, false);
  }
});

test('what arrives late arrives even when its client has gone', async () => {
  const { proxy, socket } = await open();
  const heal = proxy.silence('late');
  socket.write('SET late 1\r\n');
  await until(() => proxy.damage.swallowedBytes > 0);
  const closed = once(socket, 'close');
  socket.destroy();
  await closed;
  assert.equal(await redis.client.get('late'), null);
  heal();
  await until(async () => (await redis.client.get('late')) === '1');
});

test('a lost reply is that of the named request, which is carried out, and ends the connection', async () => {
  const { proxy, socket, heard } = await open();
  proxy.loseReplyTo('named');
  socket.write('SET other 1\r\n');
  await until(() => heard() === '+OK\r\n');
  const closed = once(socket, 'close');
  socket.write('SET named 1\r\n');
  await closed;
  assert.equal(heard(), '+OK\r\n');
  assert.equal(await redis.client.get('named'), '1');
  assert.equal(proxy.damage.lostReplies, 1);
});

test('latency delays both ways, and keeps the order', async () => {
  const { proxy, socket, heard } = await open();
  proxy.delay(60);
  const beganAt = performance.now();
  socket.write('SET slow 1\r\n');
  await until(() => proxy.damage.delayedBytes > 0);
  proxy.delay(0);
  socket.write('GET slow\r\n');
  await until(() => heard() === '+OK\r\n$1\r\n1\r\n');
  assert.ok(performance.now() - beganAt >= 60);
});
