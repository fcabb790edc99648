/** Asks for running tasks to be stopped: one, several, or all of a queue. */
import type { Broker } from '../broker/broker.ts';
import { chooser, type ChoosingBroker } from './choose.ts';
import type { Selected } from './selection.ts';
import { Tally } from './tally.ts';
import type { BulkOptions, BulkResult } from './types.ts';
import { walk } from './walk.ts';

/** What canceling needs of the broker. */
export type CancelingBroker = ChoosingBroker &
  Pick<Broker, 'markCanceled' | 'publishCancel' | 'sweep'>;

/** Tasks per step. */
const STEP = 100;

/** Asks for what was selected; `changed` = so many were running. Does not wait for them to stop. */
export async function cancelTasks(
  broker: CancelingBroker,
  selected: Selected,
  options: BulkOptions,
): Promise<BulkResult> {
  const { queue } = selected;
  if (selected.kind === 'place') return cancelPlace(broker, selected, options);
  const ids = selected.kind === 'one' ? [selected.id] : selected.ids;
  const tally = new Tally(options, ids.length);
  for (let start = 0; start < ids.length; start += STEP) {
    if (tally.isStopped) return tally.result(true);
    const some = ids.slice(start, start + STEP);
    tally.step(some.length, await cancelSome(broker, queue, some));
  }
  return tally.result();
}

async function cancelPlace(
  broker: CancelingBroker,
  { place, filter }: Extract<Selected, { kind: 'place' }>,
  options: BulkOptions,
): Promise<BulkResult> {
  const tally = new Tally(options, 0);
  const choose = await chooser(broker, place, filter);
  const asked = new Set<string>();
  let running = 0;
  const isStopped = await walk({
    broker,
    place,
    action: 'look',
    count: STEP,
    choose: async (entries, now) => {
      const chosen = await choose(entries, now);
      const ids = entries.flatMap(({ id }, i) =>
        chosen[i] === true && !asked.has(id) ? [id] : [],
      );
      for (const id of ids) asked.add(id);
      running = await cancelSome(broker, place.queue, ids);
      return entries.map(() => false); // they stay where they are until they have stopped
    },
    tally: {
      set total(total: number) {
        tally.total = total;
      },
      get isStopped() {
        return tally.isStopped;
      },
      step: (seen) => tally.step(seen, running),
    },
  });
  return tally.result(isStopped);
}

/** As for a single task the mark comes first: who acts on the message at once would leave nothing to be counted. */
async function cancelSome(
  broker: CancelingBroker,
  queue: string,
  ids: readonly string[],
): Promise<number> {
  const marked = await Promise.all(ids.map((id) => broker.markCanceled(id, queue)));
  await Promise.all(ids.map((id) => broker.publishCancel(id)));
  return marked.reduce((sum, count) => sum + count, 0);
}
