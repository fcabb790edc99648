/** Enqueue rate: one by one awaited, concurrent calls, and the call made for many. */
import type { Enqueues, Producer } from '../contenders/contender.ts';
import { atLeast } from '../goal.ts';
import { inTurns, type Turn } from '../rounds.ts';
import type { Row } from '../row.ts';
import { compareAll } from './compare-all.ts';
import type { Bench, Measure } from './measure.ts';

/** Calls under way at once, and tasks in one bulk call. */
const CONCURRENT = 100;
const BULK = 500;

/** One way to enqueue: what one step is, and how many tasks it stores. */
interface Way {
  readonly title: string;
  readonly tasks: number;
  /** Least ratio. */
  readonly least: number;
  step(producer: Producer): Promise<unknown>;
}

const WAYS: readonly Way[] = [
  { title: 'enqueue, one by one', tasks: 1, least: 1.5, step: (producer) => producer.one() },
  {
    title: `enqueue, ${CONCURRENT} at once`,
    tasks: CONCURRENT,
    least: 2,
    step: (producer) => Promise.all(Array.from({ length: CONCURRENT }, () => producer.one())),
  },
  {
    title: `enqueueMany, ${BULK} each`,
    tasks: BULK,
    least: 4,
    step: (producer) => producer.many(BULK),
  },
];

/** Against BullMQ's `add` and `addBulk`. Its producer is the same whatever runs the jobs. */
export const enqueue: Measure = {
  name: 'enqueue',
  title: 'enqueue rate',
  about:
    'Tasks stored a second with a payload of about 100 bytes: one by one awaited, a hundred calls under way at once, and ' +
    'the call that is made for many.',
  run: async (bench) => {
    const rows: Row[] = [];
    for (const way of WAYS) rows.push(...(await measureWay(bench, way)));
    return rows;
  },
};

async function measureWay(bench: Bench, way: Way): Promise<Row[]> {
  const { threadmill, bullmqInline } = bench.contenders;
  const peer = { name: 'BullMQ', openProducer: () => bullmqInline.openProducer() };
  const turns = [threadmill, peer].map((contender) => turnOf(bench, contender, way));
  for (const turn of turns) await turn.slice(); // warms up, counts for nothing
  return compareAll(await inTurns(turns, bench.scale.rounds), {
    measure: 'enqueue',
    metric: { title: way.title, unit: '/s', better: 'higher' },
    ours: threadmill.name,
    peers: [peer.name],
    goals: { [peer.name]: atLeast(way.least) },
    figure: (perSecond) => perSecond,
  });
}

function turnOf(bench: Bench, contender: Enqueues, way: Way): Turn<number> {
  return {
    name: contender.name,
    slice: async () => {
      const producer = await contender.openProducer();
      try {
        await way.step(producer); // connects
        return await rate(producer, way, bench.scale.enqueueSliceMs);
      } finally {
        await producer.close();
        await bench.redis.clean();
      }
    },
  };
}

/** Tasks a second over a slice. */
async function rate(producer: Producer, way: Way, sliceMs: number): Promise<number> {
  const started = performance.now();
  let tasks = 0;
  let elapsedMs = 0;
  while (elapsedMs < sliceMs) {
    await way.step(producer);
    tasks += way.tasks;
    elapsedMs = performance.now() - started;
  }
  return (tasks * 1_000) / elapsedMs;
}
