/** From SIGTERM to the exit of `threadmill serve`, beyond the time that its tasks are given. */
import type { Row } from '../row.ts';
import { endBareChild, startBareChild } from '../stop/bare-child.ts';
import { BenchServe, CANCEL_GRACE_MS, SHUTDOWN_TIMEOUT_MS } from '../stop/bench-serve.ts';
import { nowMs } from '../work/first-line.ts';
import type { Bench } from './measure.ts';
import { compareStops, promised, sampled } from './stop-rows.ts';

/** A shutdown takes at most `shutdownTimeout + cancelGrace` and this. */
const PROMISED_MS = 1_000;

/** With nothing to do, and with a task that nothing can stop. */
export async function measureShutdown(bench: Bench): Promise<Row[]> {
  const { processRounds: rounds } = bench.scale;
  const bound = promised(PROMISED_MS);
  const bare = sampled('SIGTERM of a bare child', 1, endBare);
  try {
    const idle = sampled('Threadmill', 1, () => shutDown(bench, 'idle'));
    const stuck = sampled('Threadmill', 1, () => shutDown(bench, 'stuck'));
    const title = 'shutdown of serve';
    return [
      ...(await compareStops({ turns: [idle, bare, bound], rounds, title: `${title}, idle` })),
      ...(await compareStops({
        turns: [stuck, bound],
        rounds,
        title: `${title}, native call, less timeout and grace`,
      })),
    ];
  } finally {
    await bench.redis.clean();
  }
}

async function shutDown(bench: Bench, state: 'idle' | 'stuck'): Promise<number> {
  const field = await BenchServe.start(bench.redis.url);
  try {
    await field.doOne();
    if (state === 'stuck') await field.begin('native');
    const told = nowMs();
    await field.serve.end('SIGTERM');
    const tookMs = nowMs() - told;
    return state === 'idle' ? tookMs : tookMs - SHUTDOWN_TIMEOUT_MS - CANCEL_GRACE_MS;
  } finally {
    await field.close();
  }
}

async function endBare(): Promise<number> {
  const child = await startBareChild();
  const told = nowMs();
  await endBareChild(child, 'SIGTERM');
  return nowMs() - told;
}
