/**
 * The set of child processes: keeps as many alive as are wanted, and sees to it that what a dead one held is settled.
 * Besides those that take tasks there may be one that runs suspects alone, and during a replacement one more.
 */
import type { Logger } from 'pino';
import { toError } from '../errors.ts';
import { describeEnd } from '../policy/process-death.ts';
import { afterDeath, type DeathHistory, NO_DEATHS } from '../policy/restart-delay.ts';
import type { FleetMetrics, RestartCause } from '../metrics/fleet-metrics.ts';
import { Child, type ChildEnd, type ChildListener } from './child.ts';
import { ChildStartError } from './child-start-error.ts';
import type { Begin } from './messages.ts';
import type { DeathSettler } from './settle-death.ts';

/** What the fleet works with. */
export interface FleetOptions {
  readonly processes: number;
  readonly begin: Omit<Begin, 'kind' | 'isSolitary'>;
  readonly env: NodeJS.ProcessEnv;
  readonly listener: ChildListener;
  readonly deaths: Pick<DeathSettler, 'settle'>;
  readonly metrics: () => FleetMetrics;
  readonly logger: Logger;
  /** Told before its place is filled again. */
  onGone(child: Child): void;
}

/** When the system has no room for another process, it is asked again so much later. */
const NO_ROOM_MS = 5_000;

/** One place in the fleet. */
interface Place {
  child: Child | undefined;
  history: DeathHistory;
  timer: NodeJS.Timeout | undefined;
}

/** The fleet. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #places: readonly Place[];
  readonly #children = new Set<Child>();
  readonly #settling = new Set<Promise<unknown>>();
  readonly #settled = new WeakMap<Child, Promise<ReadonlySet<string>>>();
  #isStarted = false;
  #isClosing = false;
  #isPaused = false;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#places = Array.from({ length: options.processes }, () => ({
      child: undefined,
      history: NO_DEATHS,
      timer: undefined,
    }));
  }

  /** All that live. */
  get children(): readonly Child[] {
    return [...this.#children];
  }

  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** Starts all; resolves when they are ready, or when the fleet closes. Rejects with `ChildStartError` if one fails. */
  async start(): Promise<void> {
    await Promise.all(this.#places.map((place) => this.#startFirst(place)));
    this.#isStarted = true;
    // One that was ready may have died while others still started.
    for (const place of this.#places) if (place.child === undefined) this.#fill(place, 'died');
  }

  /** Starts a child; it has no place yet. */
  launch(isSolitary: boolean): Child {
    const { begin, env, listener, logger } = this.#options;
    const child = new Child({ begin: { kind: 'begin', ...begin, isSolitary }, env, listener });
    this.#children.add(child);
    logger.info({ childPid: child.pid, isSolitary }, 'child process started');
    void child.ended.then((end) => this.#bury(child, end));
    return child;
  }

  /** As `launch`; `undefined`, and logged, where the system has no room for another process. */
  tryLaunch(isSolitary: boolean): Child | undefined {
    try {
      return this.launch(isSolitary);
    } catch (error) {
      this.#options.logger.error({ err: toError(error) }, 'no child process could be started');
      return undefined;
    }
  }

  /** Whether it has a place of its own. */
  hasPlace(child: Child): boolean {
    return this.#places.some((place) => place.child === child);
  }

  /** Gives the place of one child to another that is ready; `false` when the first has lost it meanwhile. */
  replace(old: Child, successor: Child, cause: RestartCause): boolean {
    const place = this.#places.find(({ child }) => child === old);
    if (place === undefined || this.#isClosing) return false;
    place.child = successor;
    this.#options.metrics().restarted(cause);
    return true;
  }

  /** What was settled for a child, by `journalKey`, once it is gone. */
  async settledOf(child: Child): Promise<ReadonlySet<string>> {
    await child.ended;
    return (await this.#settled.get(child)) ?? new Set();
  }

  /** No child pulls tasks any more, nor does one that comes later. */
  pause(): void {
    this.#isPaused = true;
    for (const child of this.#children) child.send({ kind: 'pause' });
  }

  /** To be called when a child is ready. */
  onReady(child: Child): void {
    if (this.#isPaused) child.send({ kind: 'pause' });
  }

  /** Lets each child say at once what it is doing; waits so long for them. */
  async probe(limitMs: number): Promise<void> {
    await Promise.all([...this.#children].map((child) => child.probe(limitMs)));
  }

  /** Starts no child any more. */
  close(): void {
    this.#isClosing = true;
    for (const { timer } of this.#places) clearTimeout(timer);
  }

  /** Resolves when no child lives. */
  async untilEmpty(): Promise<void> {
    while (this.#children.size > 0) {
      await Promise.all([...this.#children].map((child) => child.ended));
    }
  }

  /** Resolves when what the dead held is settled, or given up. */
  async untilSettled(): Promise<void> {
    while (this.#settling.size > 0) await Promise.all(this.#settling);
  }

  async #startFirst(place: Place): Promise<void> {
    if (this.#isClosing) return;
    const child = this.launch(false);
    place.child = child;
    if ((await child.ready) || this.#isClosing) return;
    const end = await child.ended;
    const text = `threadmill: the child process ended before it was ready: ${describeEnd(end)}`;
    throw new ChildStartError(child.startFailure ?? { text, exitCode: 1 });
  }

  #bury(child: Child, end: ChildEnd): void {
    this.#children.delete(child);
    this.#options.onGone(child);
    this.#logEnd(child, end);
    const settled = this.#options.deaths.settle(child, end);
    this.#settled.set(child, settled);
    this.#settling.add(settled);
    void settled.then(() => this.#settling.delete(settled));
    const place = this.#places.find((each) => each.child === child);
    if (place === undefined) return;
    place.child = undefined;
    if (this.#isStarted) this.#restart(place, child, end);
  }

  #restart(place: Place, child: Child, end: ChildEnd): void {
    if (this.#isClosing) return;
    const { uptimeMs } = end;
    place.history = afterDeath(place.history, {
      atMs: performance.now(),
      uptimeMs,
      hasDoneTask: child.hasDoneTask,
    });
    const { delayMs } = place.history;
    const cause = end.facts.cause === 'shutdown' ? 'ended' : end.facts.cause;
    this.#options.logger.warn({ childPid: child.pid, delayMs }, 'restarting child process');
    if (delayMs === 0) this.#fill(place, cause);
    else place.timer = setTimeout(() => this.#fill(place, cause), delayMs);
  }

  #fill(place: Place, cause: RestartCause): void {
    if (this.#isClosing) return;
    place.child = this.tryLaunch(false);
    if (place.child !== undefined) this.#options.metrics().restarted(cause);
    else place.timer = setTimeout(() => this.#fill(place, cause), NO_ROOM_MS);
  }

  #logEnd(child: Child, end: ChildEnd): void {
    const { code, signal, uptimeMs, facts } = end;
    const fields = {
      childPid: child.pid,
      code,
      signal,
      uptimeMs: Math.round(uptimeMs),
      cause: facts.cause,
      tasksBegun: facts.begun.size,
    };
    const { logger } = this.#options;
    if (child.startFailure !== undefined && this.#isStarted) {
      logger.error({ ...fields, reason: child.startFailure.text }, 'child process could not start');
    } else if (facts.cause === 'shutdown' || child.startFailure !== undefined) {
      logger.info(fields, 'child process ended');
    } else {
      logger.error(fields, 'child process died');
    }
  }
}
