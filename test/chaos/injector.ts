/** Carries out the plan: does to the fleet what is planned, when it is planned, and notes what came of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fleet } from './fleet.ts';
import { signal } from './guard.ts';
import { isAlive } from './live-view.ts';
import type { Silence } from './link.ts';
import type { PlannedEvent, ServerName, Target } from './plan.ts';
import type { Proxy } from './proxy.ts';
import { monotonicMs, note } from './records.ts';
import type { RedisPair } from './redis-pair.ts';
import { waitedMs as queuedMs } from '../helpers/kernel-times.ts';

/** What the injector works on. */
export interface Field {
  readonly fleet: Fleet;
  readonly redis: RedisPair;
  /** `direct` is the one that only a failover harms. */
  readonly proxies: Readonly<Record<Exclude<Target, 'redis'> | 'direct', Proxy>>;
  /** Its targets are frozen: they can only be ended by SIGKILL. */
  readonly frozen: Set<number>;
}

/** An event that took place. */
export interface Injected extends PlannedEvent {
  readonly beganAt: number;
  readonly endedAt: number;
  readonly pids: readonly number[];
  /** How much it did: tasks that it hit while begun, connections, bytes. 0 = it had no effect. */
  readonly effect: number;
  readonly note: string;
}

/** What a kind of event did. */
interface Outcome {
  readonly pids?: readonly number[];
  readonly effect: number;
  readonly note?: string;
}

/** An event waits so long for what it is to hit, and then so long for anything to hit. */
const PATIENCE_MS = 4_000;
const LONG_PATIENCE_MS = 12_000;
const LOOK_MS = 20;
/** It has to be gone much sooner. */
const AFTER_THAW_MS = 250;
const THAW_LOOK_MS = 5;
/** Tasks that last longer than a lease. */
const LONG = 'long';
const LATENCY_MS = [20, 200] as const;
const STEP_MS = 500;

/** Requests by what stands in them and in no other: the keys that their script is given. */
const REQUESTS: Readonly<Record<string, string>> = {
  lease: ':paused\r\n',
  settle: ':processed\r\n',
  extend: ':lease\r\n',
  enqueue: ':scheduled\r\n',
};

/** Plans are made without knowing what will run, so what counts is found out at the time. */
export class Injector {
  readonly #field: Field;
  readonly #plan: readonly PlannedEvent[];
  readonly #onEvent: (event: Injected) => void;
  /** One thing at a time for Redis. */
  #redisFree: Promise<unknown> = Promise.resolve();

  constructor(
    field: Field,
    plan: readonly PlannedEvent[],
    onEvent: (event: Injected) => void = () => undefined,
  ) {
    this.#field = field;
    this.#plan = plan;
    this.#onEvent = onEvent;
  }

  /** Resolves with all events when the last has ended. `isOver`: nothing more is begun. */
  async run(startedAt: number, isOver: AbortSignal): Promise<Injected[]> {
    const done: Promise<Injected>[] = [];
    for (const event of this.#plan) {
      await sleep(Math.max(0, startedAt + event.at - monotonicMs()), undefined, {
        signal: isOver,
      }).catch(() => undefined);
      if (isOver.aborted) break;
      const injected = this.#inject(event);
      injected.catch(() => undefined); // awaited below
      done.push(injected);
    }
    return Promise.all(done);
  }

  async #inject(event: PlannedEvent): Promise<Injected> {
    const beganAt = monotonicMs();
    const { pids = [], effect, note: text = '' } = await this.#carryOut(event);
    const injected = { ...event, beganAt, endedAt: monotonicMs(), pids, effect, note: text };
    this.#onEvent(injected);
    return injected;
  }

  #carryOut(event: PlannedEvent): Promise<Outcome> {
    switch (event.kind) {
      case 'kill-child':
        return this.#kill(() => this.#field.fleet.children(serverOf(event)).slice(0, 1), true);
      case 'kill-supervisor':
        return this.#kill(() => this.#field.fleet.tree(serverOf(event)));
      case 'kill-server':
        return this.#kill(() => this.#field.fleet.tree(serverOf(event)), true);
      case 'freeze':
        return this.#freeze(event);
      case 'sigterm':
        return this.#terminate(event);
      case 'redis-restart':
      case 'failover':
        return this.#withRedis(event);
      case 'cut':
        return this.#cut(event);
      case 'lost-reply':
        return this.#loseReplies(event);
      case 'half-open':
        return this.#halfOpen(event);
      case 'latency':
        return this.#delay(event);
    }
  }

  /** Waits until there is something to hit. The first of the tree is killed: what is below it ends by itself. */
  async #kill(find: () => readonly number[], isWhole = false): Promise<Outcome> {
    const { fleet } = this.#field;
    const pids = await this.#worthwhile(find);
    const [first] = pids;
    if (first === undefined) return { effect: 0, note: 'there was nothing to kill' };
    const hit = fleet.begun(pids);
    signal(first, 'SIGKILL');
    // From here on its code does not run: a signal that cannot be caught is as good as the end.
    note({ k: 'gone', pid: first, by: 'kill' });
    return { pids: isWhole ? [first] : pids, effect: hit, note: `${hit} begun` };
  }

  /** What lasts longer than a lease is to hit a task that does so too, where there is one. */
  async #worthwhile(find: () => readonly number[], type?: string): Promise<readonly number[]> {
    const beganAt = monotonicMs();
    for (;;) {
      const pids = find().filter((pid) => !this.#field.frozen.has(pid));
      // A server that is just being started is waited for longer, and for anything it does.
      const waitedMs = monotonicMs() - beganAt;
      const wanted = waitedMs < PATIENCE_MS ? type : undefined;
      if (this.#field.fleet.begun(pids, wanted) > 0 || waitedMs > LONG_PATIENCE_MS) return pids;
      await sleep(LOOK_MS);
    }
  }

  async #freeze(event: PlannedEvent): Promise<Outcome> {
    const { fleet, frozen } = this.#field;
    const name = serverOf(event);
    const isChild = event.variant === 'child' && name !== 'C';
    const pids = await this.#worthwhile(
      () => (isChild ? fleet.children(name).slice(0, 1) : fleet.tree(name)),
      LONG,
    );
    const hit = fleet.begun(pids);
    for (const pid of pids) {
      frozen.add(pid);
      if (signal(pid, 'SIGSTOP')) note({ k: 'frozen', pid });
    }
    await sleep(event.forMs);
    const waits = pids.map((pid) => {
      const before = queuedMs(pid);
      if (isAlive(pid) && signal(pid, 'SIGCONT')) note({ k: 'thawed', pid });
      frozen.delete(pid);
      return noteWait(pid, before);
    });
    await Promise.all(waits);
    return { pids, effect: hit, note: `${hit} begun` };
  }

  async #terminate(event: PlannedEvent): Promise<Outcome> {
    const { fleet } = this.#field;
    const name = serverOf(event);
    const pids = await this.#worthwhile(() => fleet.tree(name));
    const hit = fleet.begun(pids);
    const end = await fleet.servers[name].terminate();
    const isOrderly = end?.code === 0;
    return { pids, effect: isOrderly ? hit : 0, note: `${hit} begun, exit ${end?.code}` };
  }

  #withRedis(event: PlannedEvent): Promise<Outcome> {
    const turn = this.#redisFree.then(() =>
      event.kind === 'failover' ? this.#failover(event) : this.#restartRedis(event),
    );
    this.#redisFree = turn.catch(() => undefined);
    return turn;
  }

  async #restartRedis({ variant, forMs }: PlannedEvent): Promise<Outcome> {
    const before = this.#endedByRedis();
    await this.#field.redis.restart(variant as NodeJS.Signals, forMs);
    const ended = this.#endedByRedis() - before;
    await this.#field.redis.inSync();
    return { effect: ended, note: `${ended} connections lost` };
  }

  /** For a moment everybody still talks to the old master, which says READONLY; then the connections go. */
  async #failover({ forMs }: PlannedEvent): Promise<Outcome> {
    const { redis, proxies } = this.#field;
    const before = redis.port;
    await redis.failover();
    await sleep(forMs);
    const cut = Object.values(proxies).reduce((sum, proxy) => sum + proxy.cut(), 0);
    return { effect: redis.port === before ? 0 : cut, note: `${cut} connections moved` };
  }

  #endedByRedis(): number {
    const { proxies } = this.#field;
    return Object.values(proxies).reduce((sum, { damage }) => sum + damage.endedByRedis, 0);
  }

  async #cut(event: PlannedEvent): Promise<Outcome> {
    const proxy = this.#proxyOf(event);
    const giveUpAt = monotonicMs() + LONG_PATIENCE_MS;
    while (proxy.connections === 0 && monotonicMs() < giveUpAt) await sleep(LOOK_MS);
    const cut = proxy.cut();
    return { effect: cut, note: `${cut} connections` };
  }

  /** Loses one reply every half second. */
  async #loseReplies(event: PlannedEvent): Promise<Outcome> {
    const proxy = this.#proxyOf(event);
    const before = proxy.damage.lostReplies;
    const isClient = event.target === 'client';
    const request = isClient ? 'enqueue' : event.variant === 'enqueue' ? 'lease' : event.variant;
    const lost = (): number => proxy.damage.lostReplies - before;
    const beganAt = monotonicMs();
    const mostMs = event.forMs + LONG_PATIENCE_MS; // a server that is just being started asks nothing
    for (
      let ms = 0;
      ms < event.forMs || (lost() === 0 && ms < mostMs);
      ms = monotonicMs() - beganAt
    ) {
      proxy.loseReplyTo(REQUESTS[request]);
      await sleep(STEP_MS);
    }
    proxy.loseReplyTo(undefined);
    return { effect: lost(), note: `${lost()} replies (${request})` };
  }

  async #halfOpen(event: PlannedEvent): Promise<Outcome> {
    const { fleet } = this.#field;
    const proxy = this.#proxyOf(event);
    await this.#worthwhile(() => fleet.tree(serverOf(event)), LONG);
    const before = proxy.damage.swallowedBytes;
    const heal = proxy.silence(event.variant as Silence);
    await sleep(event.forMs);
    heal();
    const swallowed = proxy.damage.swallowedBytes - before;
    return { effect: swallowed, note: `${swallowed} bytes swallowed` };
  }

  async #delay(event: PlannedEvent): Promise<Outcome> {
    const proxy = this.#proxyOf(event);
    const before = proxy.damage.delayedBytes;
    const [least, most] = LATENCY_MS;
    for (let left = event.forMs; left > 0; left -= STEP_MS) {
      proxy.delay(least + ((most - least) * left) / event.forMs);
      await sleep(Math.min(left, STEP_MS));
    }
    proxy.delay(0);
    const delayed = proxy.damage.delayedBytes - before;
    return { effect: delayed, note: `${delayed} bytes delayed` };
  }

  #proxyOf({ target }: PlannedEvent): Proxy {
    if (target === 'redis') throw new Error('Redis has no proxy of its own');
    return this.#field.proxies[target];
  }
}

function serverOf({ target }: PlannedEvent): ServerName {
  if (target === 'client' || target === 'redis') throw new Error(`${target} is no server`);
  return target;
}

/** What a process that was thawed waits for a core until it is gone, or has had time to end what it must. */
async function noteWait(pid: number, beforeMs: number): Promise<void> {
  let ms = 0;
  for (const until = monotonicMs() + AFTER_THAW_MS; monotonicMs() < until && isAlive(pid); ) {
    ms = Math.max(ms, queuedMs(pid) - beforeMs);
    await sleep(THAW_LOOK_MS);
  }
  note({ k: 'waited', pid, ms });
}
