/** What is done to the fleet, and when: a pure function of the seed, the length and the recipe. */

/** The servers of the fleet. `A` and `B` are `threadmill serve`, `C` is a library server. B's clock is off. */
export const SERVERS = ['A', 'B', 'C'] as const;
export type ServerName = (typeof SERVERS)[number];
const SUPERVISED: readonly Target[] = ['A', 'B'];
const LIBRARIES: readonly Target[] = ['C'];

/** A server; the proxy of the program's own client; or Redis. */
export type Target = ServerName | 'client' | 'redis';

export const KINDS = [
  'freeze',
  'half-open',
  'kill-child',
  'kill-supervisor',
  'kill-server',
  'sigterm',
  'redis-restart',
  'failover',
  'cut',
  'lost-reply',
  'latency',
] as const;
export type EventKind = (typeof KINDS)[number];

/** One event. */
export interface PlannedEvent {
  readonly kind: EventKind;
  /** Milliseconds after the start of the run. */
  readonly at: number;
  readonly target: Target;
  /** How long it lasts, or Redis stays away. */
  readonly forMs: number;
  /** Which way of it. */
  readonly variant: string;
}

/** One step of a recipe: a kind, perhaps narrowed. */
export interface Step {
  readonly kind: EventKind;
  readonly variants?: readonly string[];
  readonly targets?: readonly Target[];
}

/** What a round consists of; its order is of chance, with what lasts long first. */
export interface Recipe {
  readonly steps: readonly Step[];
}

/** A round of everything. */
export const EVERYTHING: Recipe = { steps: KINDS.map((kind) => ({ kind })) };

interface Traits {
  readonly targets: readonly Target[];
  readonly variants: readonly string[];
  readonly forMs: readonly [number, number];
  /** What the target needs to be itself again. */
  readonly restMs: number;
}

const ALL: readonly Target[] = SERVERS;
const INSTANT = [0, 0] as const;

/** Freezes and partitions last longer than a lease (10 s) and what recovers it (2 s, looked at every 2 s). */
const TRAITS: Readonly<Record<EventKind, Traits>> = {
  freeze: { targets: ALL, variants: ['child', 'tree'], forMs: [15_000, 18_000], restMs: 3_000 },
  'half-open': {
    targets: ALL,
    variants: ['late', 'replies', 'both'],
    forMs: [14_500, 17_000],
    restMs: 3_000,
  },
  'kill-child': { targets: SUPERVISED, variants: ['SIGKILL'], forMs: INSTANT, restMs: 3_000 },
  'kill-supervisor': { targets: SUPERVISED, variants: ['SIGKILL'], forMs: INSTANT, restMs: 4_000 },
  'kill-server': { targets: LIBRARIES, variants: ['SIGKILL'], forMs: INSTANT, restMs: 3_000 },
  sigterm: { targets: ALL, variants: ['SIGTERM'], forMs: INSTANT, restMs: 5_000 },
  'redis-restart': {
    targets: ['redis'],
    variants: ['SIGKILL', 'SIGTERM'],
    forMs: [300, 2_000],
    restMs: 6_000,
  },
  failover: { targets: ['redis'], variants: ['coordinated'], forMs: [0, 700], restMs: 6_000 },
  cut: { targets: [...ALL, 'client'], variants: ['all'], forMs: INSTANT, restMs: 500 },
  'lost-reply': {
    targets: [...ALL, 'client'],
    variants: ['lease', 'settle', 'extend', 'enqueue'],
    forMs: [4_000, 6_000],
    restMs: 500,
  },
  latency: { targets: [...ALL, 'client'], variants: ['all'], forMs: [3_000, 6_000], restMs: 500 },
};

/** How an event of this kind can look. */
export function traitsOf(kind: EventKind): Traits {
  return TRAITS[kind];
}

const FIRST_AT_MS = 2_000;
/** The last event comes so long before the end: its effect is to be seen. */
const LAST_BEFORE_END_MS = 8_000;
const LONGEST_GAP_MS = 4_500;

/**
 * The events of a run in order. Rounds follow one another; one round always fits, however short the run is. A target
 * that is still suffering is left alone as long as another will do.
 */
export function makePlan({
  random,
  lengthMs,
  recipe = EVERYTHING,
}: {
  readonly random: () => number;
  readonly lengthMs: number;
  readonly recipe?: Recipe;
}): PlannedEvent[] {
  const endMs = Math.max(FIRST_AT_MS + 1_000, lengthMs - LAST_BEFORE_END_MS);
  const gapMs = Math.min(LONGEST_GAP_MS, (endMs - FIRST_AT_MS) / recipe.steps.length);
  const busyUntil = new Map<Target, number>();
  const events: PlannedEvent[] = [];
  let at = FIRST_AT_MS;
  for (let round = 0; round === 0 || at < endMs; round += 1, at += gapMs / 2) {
    const steps = inRandomOrder(recipe.steps, random);
    for (let passedOver = 0; steps.length > 0; ) {
      const [step] = steps.splice(0, 1);
      if (step === undefined) break;
      if (round > 0 && at + TRAITS[step.kind].forMs[1] >= endMs) continue; // no time for its effect
      const event = makeEvent(step, Math.round(Math.min(at, endMs)), busyUntil, random);
      if ((busyUntil.get(event.target) ?? 0) > event.at) {
        // Nothing that it could hit is well: later, if there is something else to do meanwhile; in a first round in any case.
        if (passedOver < steps.length) {
          steps.push(step);
          passedOver += 1;
          continue;
        }
        if (round > 0) continue;
      }
      passedOver = 0;
      events.push(event);
      busyUntil.set(event.target, event.at + event.forMs + TRAITS[event.kind].restMs);
      at += gapMs * (0.7 + 0.6 * random());
    }
  }
  return events;
}

/** What lasts long comes first in a round. */
function inRandomOrder(steps: readonly Step[], random: () => number): Step[] {
  const keyed = steps.map((step) => ({ step, key: random(), isLong: isLong(step.kind) }));
  return keyed
    .sort((a, b) => Number(b.isLong) - Number(a.isLong) || a.key - b.key)
    .map(({ step }) => step);
}

function isLong(kind: EventKind): boolean {
  return TRAITS[kind].forMs[0] > 10_000;
}

function makeEvent(
  { kind, variants, targets }: Step,
  at: number,
  busyUntil: ReadonlyMap<Target, number>,
  random: () => number,
): PlannedEvent {
  const traits = TRAITS[kind];
  const [least, most] = traits.forMs;
  const possible = targets ?? traits.targets;
  const free = possible.filter((name) => (busyUntil.get(name) ?? 0) <= at);
  const target = pick(free.length > 0 ? free : possible, random);
  const forMs = Math.round(least + (most - least) * random());
  return { kind, at, target, forMs, variant: pick(variants ?? traits.variants, random) };
}

/** One of them, by chance. */
export function pick<Value>(values: readonly Value[], random: () => number): Value {
  const value = values[Math.floor(random() * values.length)];
  if (value === undefined) throw new RangeError('nothing to pick from');
  return value;
}
