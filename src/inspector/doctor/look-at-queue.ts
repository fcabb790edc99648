/** Looks at one queue: what is late, and every entry of every container, in short steps. */
import type { Container, ContainerPart, QueueFigures } from '../../broker/broker.ts';
import { type DamageName } from '../../policy/doctor/judge-queue.ts';
import { inChunks, type Looking } from './looking.ts';
import { SeenIds } from './seen-ids.ts';

/** What is known of a queue when its containers have been looked at. */
export interface QueueLook {
  /** Whatever was in a container. */
  readonly seen: SeenIds;
  /** Names of the groups that are listed. */
  readonly groups: ReadonlySet<string>;
  /** Redis's clock when the look began. */
  readonly beganMs: number;
  /** Tasks that are to be run. */
  readonly waiting: number;
  /** Active tasks without a lease. */
  readonly unleased: readonly string[];
}

const PLAIN = ['pending', 'scheduled', 'retry', 'archived', 'completed'] as const;
const GROUPS_PER_CALL = 200;
const LEASES_PER_CALL = 50;

/** Damage that shows in a container, by what is wrong with an entry. */
const DAMAGE_OF = {
  gone: 'ids-without-hash',
  state: 'wrong-states',
  score: 'wrong-scores',
  unleased: 'unleased-tasks',
  empty: 'empty-tasks',
} as const satisfies Record<string, DamageName>;

/** Notes the damage in a queue. `undefined`: Redis refuses looks at it. */
export async function lookAtQueue(looking: Looking, queue: string): Promise<QueueLook | undefined> {
  let look: QueueLook | undefined;
  const checks = ['stuck-tasks', 'overdue-tasks', 'unserved-queues'] as const;
  await looking.attempt(
    checks,
    async () => {
      const figures = await looking.broker.health.figures(queue);
      const late = { 'stuck-tasks': figures.stuck, 'overdue-tasks': figures.overdue } as const;
      for (const check of ['stuck-tasks', 'overdue-tasks'] as const) {
        looking.note(
          check,
          queue,
          late[check].map(({ id }) => id),
        );
      }
      look = await lookInside(looking, queue, figures);
    },
    { queue },
  );
  return look;
}

async function lookInside(
  looking: Looking,
  queue: string,
  { lengths, aggregationSets, nowMs }: QueueFigures,
): Promise<QueueLook> {
  const groups = await lookAtGroups(looking, queue);
  const aggregating = [...groups.values()].reduce((sum, size) => sum + size, 0);
  const all = Object.values(lengths).reduce((sum, length) => sum + length, aggregating);
  const seen = new SeenIds(all + aggregationSets.length * 1000);
  const containers: Container[] = [
    ...PLAIN.map((kind) => ({ kind })),
    ...[...groups.keys()].map((name) => ({ kind: 'group', name }) as const),
    ...aggregationSets.map((key) => ({ kind: 'set', key }) as const),
  ];
  let count = 0;
  const remember = ({ ids }: ContainerPart): void => {
    for (const id of ids) seen.add(id);
    looking.step({ step: 'queue', queue, seen: (count += ids.length) });
  };
  for (const container of containers) await walk(looking, queue, container, remember);
  const unleased = await lookAtActive(looking, queue, remember);
  const { pending, active, scheduled, retry } = lengths;
  const waiting = pending + active + scheduled + retry + aggregating;
  return { seen, groups: new Set(groups.keys()), beganMs: nowMs, waiting, unleased };
}

/** Sizes by name; those without tasks are noted. */
async function lookAtGroups(looking: Looking, queue: string): Promise<Map<string, number>> {
  const { health } = looking.broker;
  const sizes = new Map<string, number>();
  await looking.attempt(
    ['empty-groups', 'unlisted-groups'],
    async () => {
      for (const names of inChunks(await health.groupNames(queue), GROUPS_PER_CALL)) {
        looking.step({ step: 'queue', queue, seen: 0 });
        const found = await health.lookAtGroups(queue, names, looking.mends ? 'drop' : 'look');
        names.forEach((name, index) => sizes.set(name, found[index]?.size ?? 0));
        const empty = names.filter((_, index) => found[index]?.size === 0);
        looking.note('empty-groups', queue, empty, found.filter(({ isMended }) => isMended).length);
      }
    },
    { queue },
  );
  return sizes;
}

/** Active tasks and leases belong together. Answers the tasks without a lease. */
async function lookAtActive(
  looking: Looking,
  queue: string,
  remember: (part: ContainerPart) => void,
): Promise<string[]> {
  const unleased = new Set<string>();
  const active = new Set<string>();
  await walk(looking, queue, { kind: 'active' }, (part) => {
    for (const id of part.ids) active.add(id);
    for (const { kind, id } of part.flaws) if (kind === 'unleased') unleased.add(id);
    remember(part);
  });
  const strays: string[] = [];
  await walk(looking, queue, { kind: 'lease' }, (part) => {
    const gone = new Set(part.flaws.filter(({ kind }) => kind === 'gone').map(({ id }) => id));
    strays.push(...part.ids.filter((id) => !active.has(id) && !gone.has(id)));
    remember(part);
  });
  await lookAtLeases(looking, queue, strays);
  return [...unleased];
}

async function lookAtLeases(
  looking: Looking,
  queue: string,
  suspects: readonly string[],
): Promise<void> {
  const { broker, mends } = looking;
  await looking.attempt(
    ['stray-leases'],
    async () => {
      for (const ids of inChunks(suspects, LEASES_PER_CALL)) {
        looking.step({ step: 'queue', queue, seen: 0 });
        const found = (await broker.health.strayLeases(queue, ids, mends)).map(({ id }) => id);
        looking.note('stray-leases', queue, found, mends ? found.length : 0);
      }
    },
    { queue },
  );
}

/** Looks at a container from one end to the other, and notes what is wrong with its entries. */
export async function walk(
  looking: Looking,
  queue: string,
  container: Container,
  onPart: (part: ContainerPart) => void,
): Promise<void> {
  const { broker, mends } = looking;
  const checks = Object.values(DAMAGE_OF) as [DamageName, ...DamageName[]];
  const noted = new Set<string>(); // what moves on while the look goes on is seen twice
  await looking.attempt(
    checks,
    async () => {
      for (let from: number | undefined = 0; from !== undefined; ) {
        const part = await broker.health.lookAtContainer({ queue, container, from, mends });
        for (const { kind, id } of part.flaws) {
          // A lease whose task went on is told by its place: it is not in `active`.
          if ((container.kind === 'lease' && kind === 'state') || noted.has(`${kind} ${id}`))
            continue;
          noted.add(`${kind} ${id}`);
          looking.note(DAMAGE_OF[kind], queue, [id], mends && kind === 'gone' ? 1 : 0);
        }
        onPart(part);
        from = part.next;
      }
    },
    { queue },
  );
}
