import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { CallDeadlines } from '../../src/broker/call-deadlines.ts';
import { packageRoot } from '../helpers/paths.ts';

test('each call that does not end in time is told once, the one that may take least first, whenever it began', async () => {
  const calls = new CallDeadlines();
  const late: string[] = [];
  const begun = performance.now();
  calls.begin(120, () => late.push(`long after ${performance.now() - begun >= 120}`));
  calls.begin(20, () => late.push(`short after ${performance.now() - begun >= 20}`));
  const ended = calls.begin(10, () => late.push('ended'));
  calls.end(ended);
  calls.begin(60, () => late.push(`middle after ${performance.now() - begun >= 60}`));
  await calls.allEnded();
  assert.deepEqual(late, ['short after true', 'middle after true', 'long after true']);
  calls.stop();
});

test('a call that begins after all others ended is watched as well', async () => {
  const calls = new CallDeadlines();
  calls.end(calls.begin(10_000, () => assert.fail('it had ended')));
  await calls.allEnded();
  const late = new Promise<void>((resolve) => {
    calls.begin(30, resolve);
  });
  await late;
  await calls.allEnded();
  calls.stop();
});

test('a call on its way keeps the process alive until it is late; one that has ended does not', () => {
  const module = pathToFileURL(join(packageRoot, 'dist/src/broker/call-deadlines.js')).href;
  const run = (lines: string): string => {
    const source = `import { CallDeadlines } from ${JSON.stringify(module)};
      const calls = new CallDeadlines();
      const say = () => process.stdout.write('late');
      ${lines}`;
    const args = ['--input-type=module', '--eval', source];
    return spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 }).stdout;
  };
  assert.equal(run('calls.end(calls.begin(3_600_000, say))'), '');
  assert.equal(run('calls.end(calls.begin(100, say)); calls.begin(200, say)'), 'late');
});

test('calls that end in any order leave the others watched, and none is told twice', async () => {
  const calls = new CallDeadlines();
  const late: number[] = [];
  const begun = [0, 1, 2, 3, 4, 5].map((index) => calls.begin(50, () => late.push(index)));
  for (const index of [2, 0, 5, 2]) {
    const call = begun[index];
    if (call !== undefined) calls.end(call);
  }
  const last = calls.begin(10_000, () => assert.fail('it ended'));
  await new Promise<void>((resolve) => {
    calls.begin(100, resolve);
  });
  assert.deepEqual(late, [1, 3, 4]);
  calls.end(last);
  await calls.allEnded();
  calls.stop();
});

test('a call whose reply came while the loop was held up is not late', async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  const source = `const { connect } = require('node:net');
    const { workerData } = require('node:worker_threads');
    const socket = connect(workerData.port, '127.0.0.1', () => {
      Atomics.wait(new Int32Array(workerData.gate), 0, 0);
      socket.write('reply');
    });`;
  const gate = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(source, {
    eval: true,
    workerData: { port: address.port, gate: gate.buffer },
  });
  const [socket] = (await once(server, 'connection')) as [Socket];
  const calls = new CallDeadlines();
  const outcome = new Promise<string>((resolve) => {
    const call = calls.begin(50, () => resolve('late'));
    socket.once('data', () => {
      calls.end(call);
      resolve('answered');
    });
    setImmediate(() => {
      Atomics.store(gate, 0, 1);
      Atomics.notify(gate, 0);
      Atomics.wait(gate, 1, 0, 1_000); // the loop stands still, the reply comes
    });
  });
  assert.equal(await outcome, 'answered');
  calls.stop();
  socket.destroy();
  server.close();
  await worker.terminate();
});
