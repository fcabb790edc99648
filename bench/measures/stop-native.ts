/** From `client.cancel` until a task in a native call is settled: its process has to go, and be seen to be gone. */
import type { Row } from '../row.ts';
import { endBareChild, startBareChild } from '../stop/bare-child.ts';
import { BenchServe, CANCEL_GRACE_MS } from '../stop/bench-serve.ts';
import { nowMs } from '../work/first-line.ts';
import type { Bench } from './measure.ts';
import { compareStops, sampled } from './stop-rows.ts';

/** A thread that has not exited by then takes its process with it. */
const STUCK_AFTER_MS = 1_000;

/** Less the grace and the second that a thread is given to exit. */
export async function measureNative(bench: Bench): Promise<Row[]> {
  const { processRounds: rounds } = bench.scale;
  const field = await BenchServe.start(bench.redis.url);
  try {
    return await compareStops({
      turns: [
        sampled('Threadmill', 1, () => cancelNative(field)),
        sampled('SIGKILL of a bare child', 1, killBare),
      ],
      rounds,
      title: 'cancel to settled, native call, less grace and 1 s',
    });
  } finally {
    await field.close();
    await bench.redis.clean();
  }
}

async function cancelNative(field: BenchServe): Promise<number> {
  await field.doOne();
  const id = await field.begin('native');
  const next = field.serve.says('started');
  const told = nowMs();
  await field.cancel(id);
  await field.archived(id);
  const tookMs = nowMs() - told;
  await next;
  return tookMs - CANCEL_GRACE_MS - STUCK_AFTER_MS;
}

async function killBare(): Promise<number> {
  const child = await startBareChild();
  const told = nowMs();
  await endBareChild(child, 'SIGKILL');
  return nowMs() - told;
}
