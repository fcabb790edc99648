/** From the end of a thread, or of a child process, until what takes its place answers. */
import type { Row } from '../row.ts';
import { startBareChild, endBareChild } from '../stop/bare-child.ts';
import { BareWorker } from '../stop/bare-worker.ts';
import { BenchServe } from '../stop/bench-serve.ts';
import { StopPool } from '../stop/stop-pool.ts';
import { nowMs } from '../work/first-line.ts';
import type { Bench } from './measure.ts';
import { compareStops, promised, sampled } from './stop-rows.ts';

/** After the end of its thread, and of its process, work goes on in so many milliseconds. */
const PROMISED_THREAD_MS = 100;
const PROMISED_CHILD_MS = 1_000;

/** Both. */
export async function measureReplacement(bench: Bench): Promise<Row[]> {
  return [...(await measureThread(bench)), ...(await measureChild(bench))];
}

async function measureThread({ scale }: Bench): Promise<Row[]> {
  const pool = new StopPool(1);
  try {
    await pool.start();
    return await compareStops({
      turns: [
        sampled('Threadmill', scale.replacementsPerSlice, () => replaceThread(pool)),
        sampled('bare new Worker', scale.replacementsPerSlice, startBareWorker),
        promised(PROMISED_THREAD_MS),
      ],
      rounds: scale.stopRounds,
      title: 'replacement of a thread, to its next task',
    });
  } finally {
    await pool.close();
  }
}

async function replaceThread(pool: StopPool): Promise<number> {
  const run = pool.hand('tight');
  await run.running;
  await pool.terminate(run);
  const gone = nowMs();
  const next = pool.hand('ok');
  await next.begun;
  return nowMs() - gone;
}

async function startBareWorker(): Promise<number> {
  const began = nowMs();
  const worker = new BareWorker();
  await worker.ready;
  const tookMs = nowMs() - began;
  await worker.terminate();
  return tookMs;
}

async function measureChild(bench: Bench): Promise<Row[]> {
  const field = await BenchServe.start(bench.redis.url);
  try {
    return await compareStops({
      turns: [
        sampled('Threadmill', 1, () => replaceChild(field)),
        sampled('fork of a bare child', 1, forkBare),
        promised(PROMISED_CHILD_MS),
      ],
      rounds: bench.scale.processRounds,
      title: 'replacement of a child, kill -9 to ready',
    });
  } finally {
    await field.close();
    await bench.redis.clean();
  }
}

async function replaceChild(field: BenchServe): Promise<number> {
  const pid = await field.doOne();
  const next = field.serve.line(({ msg, pid: of }) => msg === 'started' && of !== pid);
  const killed = nowMs();
  process.kill(pid, 'SIGKILL');
  await next;
  return nowMs() - killed;
}

async function forkBare(): Promise<number> {
  const began = nowMs();
  const child = await startBareChild();
  const tookMs = nowMs() - began;
  await endBareChild(child, 'SIGKILL');
  return tookMs;
}
