/** What `ctx.throwIfCanceled()` and `ctx.heartbeat()` cost in the innermost loop, when nothing happens. */
import type { Row } from '../row.ts';
import type { CallsData } from '../stop/handlers/calls.ts';
import { StopPool } from '../stop/stop-pool.ts';
import type { Bench } from './measure.ts';
import { compareStops, promised, sampled } from './stop-rows.ts';

/** What a call may cost. */
const PROMISED_NS = 30;

/** Against one atomic load in the same loop, in the same thread. */
export async function measureCalls({ scale }: Bench): Promise<Row[]> {
  const pool = new StopPool(1);
  const side = (name: string, what: CallsData['what']): ReturnType<typeof sampled> =>
    sampled(name, 1, () => pool.hand('calls', { what, count: scale.callsPerSlice }).answer);
  try {
    await pool.start();
    const load = side('Atomics.load', 'load');
    const rows: Row[] = [];
    for (const what of ['throwIfCanceled', 'heartbeat'] as const) {
      const ours = side('Threadmill', what);
      for (const { slice } of [ours, load]) await slice(); // compiles the loops
      const bounds = what === 'throwIfCanceled' ? [promised(PROMISED_NS)] : [];
      const title = `ctx.${what}(), a call`;
      const { stopRounds: rounds } = scale;
      rows.push(
        ...(await compareStops({ turns: [ours, load, ...bounds], rounds, title, unit: 'ns' })),
      );
    }
    return rows;
  } finally {
    await pool.close();
  }
}
