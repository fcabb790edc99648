import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { after, test } from 'node:test';
import type { Redis, RedisOptions } from 'ioredis';
import { openConnection } from '../../src/broker/connection.ts';
import { fetchValue } from '../../src/broker/fetch-value.ts';
import { ValueReader } from '../../src/broker/value-reader.ts';
import { useRedis } from '../helpers/redis.ts';

const PASSWORD = 'p w';
const DB = 3;
const redis = await useRedis({
  args: ['--requirepass', PASSWORD],
  client: { password: PASSWORD, db: DB },
});
const { client } = redis;
const limits = { connectTimeoutMs: 5_000 };
const connection = openConnection({ path: redis.socket, password: PASSWORD, db: DB }, limits);
after(() => connection.close());
await connection.ready();

/** Bytes in which no two pieces are alike. */
function patterned(length: number): Buffer {
  return Buffer.from(
    Uint32Array.from({ length: Math.ceil(length / 4) }, (_, i) => i * 7).buffer,
  ).subarray(0, length);
}

/** Its connections that have asked for a value: those that the client library makes never say so here. */
async function readers(): Promise<{ id: string; db: string }[]> {
  const lines = String(await client.client('LIST')).split('\n');
  const asked = lines.filter((line) => line.includes(' cmd=hget '));
  return asked.map((line) => ({
    id: / ?id=(\d+)/.exec(line)?.[1] ?? '',
    db: / db=(\d+)/.exec(line)?.[1] ?? '',
  }));
}

test('values of every size come over a connection of their own, logged in and in the database', async () => {
  const sizes = [0, 1, 65_536, 1_000_000, 3_000_001];
  for (const size of sizes) await client.hset(`k${size}`, 'msg', patterned(size));
  const values = await Promise.all(sizes.map((size) => fetchValue(connection, `k${size}`, 'msg')));
  values.forEach((value, i) =>
    assert.deepEqual(value && Buffer.from(value), patterned(sizes[i] ?? 0)),
  );
  assert.deepEqual(
    (await readers()).map(({ db }) => db),
    [`${DB}`],
  );
});

test('a value that is not there is none', async () => {
  assert.equal(await fetchValue(connection, 'nothing', 'msg'), undefined);
});

test('a lost connection, or a refusal, costs no value: it comes the ordinary way', async () => {
  const value = patterned(200_000);
  await client.hset('k', 'msg', value);
  await fetchValue(connection, 'k', 'msg');
  const reader = (await readers()).at(-1); // the one that was opened last
  await client.client('KILL', 'ID', reader?.id ?? '');
  const again = await fetchValue(connection, 'k', 'msg');
  assert.deepEqual(again && Buffer.from(again), value);
  await client.set('text', 'x');
  await assert.rejects(fetchValue(connection, 'text', 'msg'), { code: 'ERR_REDIS_REPLY' });
});

test('a connection that is closed closes that of its values', async () => {
  const other = openConnection({ path: redis.socket, password: PASSWORD, db: DB }, limits);
  await client.hset('k', 'msg', 'x');
  await fetchValue(other, 'k', 'msg');
  const before = await readers();
  await other.close();
  while ((await readers()).length >= before.length);
});

/** A server that answers the first thing it is asked with these pieces, each in a read of its own. */
async function answering(
  pieces: Iterable<string>,
  { options = {}, limitMs = 2_000 }: { options?: RedisOptions; limitMs?: number } = {},
): Promise<ValueReader> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.setNoDelay(true).on('error', () => undefined);
    socket.once('data', () => void send(socket, pieces));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const stream = { remoteAddress: '127.0.0.1', remotePort: (server.address() as AddressInfo).port };
  // All that is asked of it: where it is connected, and its login.
  return new ValueReader({ options, stream } as unknown as Redis, limitMs);
}

async function send(socket: Socket, pieces: Iterable<string>): Promise<void> {
  for (const piece of pieces) {
    if (socket.destroyed) return;
    await new Promise((resolve) => {
      socket.write(piece, 'latin1', resolve);
    });
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

test('a reply is read wherever it is cut', async () => {
  const reply = '$5\r\nab\r\nc\r\n$0\r\n\r\n$-1\r\n-ERR no\r\n$1\r\nz\r\n';
  for (const pieces of [[reply], reply.split(''), [reply.slice(0, 7), reply.slice(7)]]) {
    const reader = await answering(pieces);
    const asked = await Promise.allSettled(
      ['a', 'b', 'c', 'd', 'e'].map((key) => reader.hget(key, 'f')),
    );
    reader.close();
    assert.deepEqual(asked.map(shown), ['ab\r\nc', '', 'none', 'ERR no', 'z']);
  }
});

test('what is no reply of Redis, and an end in the midst of one, reject all that is on its way', async () => {
  for (const pieces of [['HTTP/1.1 400\r\n'], ['$2\r\nabc\r\n'], ['*1\r\n'], ['x'.repeat(5_000)]]) {
    const reader = await answering(pieces);
    const asked = await Promise.allSettled([reader.hget('a', 'f'), reader.hget('b', 'f')]);
    assert.deepEqual(asked.map(shown), ['no reply of Redis', 'no reply of Redis']);
    await assert.rejects(reader.hget('c', 'f'), { message: 'there is no shorter way' });
  }
});

test('a value that trickles in without an end is given up when its time is over', async () => {
  function* trickle(): Generator<string> {
    yield '$100000000\r\n';
    for (;;) yield 'x';
  }
  const reader = await answering(trickle(), { limitMs: 200 });
  const asked = await Promise.allSettled([reader.hget('a', 'f'), reader.hget('b', 'f')]);
  assert.deepEqual(asked.map(shown), ['no reply in time', 'no reply in time']);
});

test('what is read behind a login that was refused is no value', async () => {
  const reader = await answering(['-WRONGPASS no\r\n$1\r\nz\r\n'], {
    options: { password: 'p' },
  });
  await assert.rejects(reader.hget('a', 'f'), { message: 'WRONGPASS no' });
});

test('no password goes out where another way than ours encrypts it', async () => {
  const stream = { remoteAddress: '127.0.0.1', remotePort: 1, encrypted: true };
  const reader = new ValueReader({ options: {}, stream } as unknown as Redis, 2_000);
  await assert.rejects(reader.hget('a', 'f'), { message: 'there is no shorter way' });
});

function shown(settled: PromiseSettledResult<Uint8Array | undefined>): string {
  if (settled.status === 'rejected') return (settled.reason as Error).message;
  return settled.value === undefined ? 'none' : Buffer.from(settled.value).toString();
}
