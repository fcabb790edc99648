import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureLag } from '../helpers/loop-lag.ts';
import { collect, recordingLogger, useFleet } from '../helpers/server.ts';

const FLOOD_MS = 20_000;
const THREADS = 4;

const fleet = await useFleet();

test('four threads that log, print and report in tight loops for 20 s never lag the main loop by 100 ms', async () => {
  const { logger, records } = recordingLogger();
  const server = await fleet.start({ concurrency: THREADS, logger });
  let progress = 0;
  server.on('progress', () => {
    progress += 1;
  });
  const started = collect(server, 'started', THREADS);
  const done = collect(server, 'succeeded', THREADS);
  const beganAt = performance.now();
  await fleet.client.enqueueMany(
    Array.from({ length: THREADS }, () => ({
      task: { type: 'chatter', payload: { ms: FLOOD_MS } },
    })),
  );
  await started;
  const meter = measureLag();
  await done;
  const lag = meter.stop();
  const seconds = (performance.now() - beganAt) / 1_000; // on a busy machine some end seconds late
  assert.ok(lag.ms < 100, `the main loop lagged ${lag.text}`);
  assert.ok(progress <= THREADS * (seconds * 10 + 2), `${progress} progress events`);
  const rows = records.filter((record) => record.msg.startsWith('row'));
  assert.ok(rows.length > 0);
  assert.ok(rows.length <= THREADS * (seconds + 1) * 200, `${rows.length} lines`);
  const summaries = records.filter((record) => /dropped/.test(record.msg));
  assert.ok(summaries.length >= THREADS, 'the rest is counted and said');
});
