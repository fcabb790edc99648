/**
 * One child process as its supervisor sees it.
 *
 *     starting --ready--> running --told to end--> ending --exit--> gone
 *
 * It may go from every state: by itself, by a signal, or killed by the supervisor. It is gone only when its whole process
 * group has been killed, so that nothing of it lives on, programs started by handlers included.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { MetricsRecord } from '../metrics/aggregate.ts';
import type { DeathFacts, ProcessEnd } from '../policy/process-death.ts';
import type { StuckReason } from '../policy/stop-reason.ts';
import type { Suspect } from '../runtime/supervised.ts';
import { journalKey } from '../threads/journal-record.ts';
import type { HandlerReport } from '../threads/messages.ts';
import { openJournal } from './journal.ts';
import type { Begin, FromChild, ToChild } from './messages.ts';

/** Whom a child tells what happens. */
export interface ChildListener {
  onReady(child: Child): void;
  onBeat(child: Child): void;
  /** It has tasks that cannot be stopped: it is to be killed. */
  onStuck(child: Child): void;
  onIsolate(child: Child, call: number, suspect: Suspect): void;
  onIdle(child: Child): void;
}

/** What is needed to start one. */
export interface ChildOptions {
  readonly begin: Begin;
  readonly env: NodeJS.ProcessEnv;
  readonly listener: ChildListener;
}

/** The end of a child, with what it left behind. */
export interface ChildEnd extends ProcessEnd {
  readonly uptimeMs: number;
  /** What settles its tasks. */
  readonly facts: DeathFacts;
}

/** What a child said of itself last. */
export type Beat = Extract<FromChild, { kind: 'beat' }>;

const ENTRY = fileURLToPath(new URL('./child-main.js', import.meta.url));

/** What a dead child has sent may still lie in the channel: so long it is read. */
const CHANNEL_MS = 200;

/** A child process. The constructor throws where no journal can be made, or no process. */
export class Child {
  readonly isSolitary: boolean;
  /** True once it is ready; false when it ended before. */
  readonly ready: Promise<boolean>;
  /** Resolves when nothing of it lives any more. */
  readonly ended: Promise<ChildEnd>;
  readonly stuck: Map<string, StuckReason> = new Map();
  identity: { readonly serverId: string; readonly address: string } | undefined;
  handlers: readonly HandlerReport[] = [];
  beat: Beat | undefined;
  isReady = false;
  /** A task succeeded in it. */
  hasDoneTask = false;
  startFailure: { readonly text: string; readonly exitCode: number } | undefined;
  /** The last metrics it told. */
  metrics: MetricsRecord | undefined;
  readonly #listener: ChildListener;
  readonly #process: ChildProcess;
  readonly #startedAt = performance.now();
  readonly #calls = new Map<number, (answer: FromChild | undefined) => void>();
  #lastCall = 0;
  #lastSignAt = performance.now();
  #killedFor: 'stuck' | 'shutdown' | undefined;
  #hasEnded = false;
  #onReady: (isReady: boolean) => void = () => undefined;

  constructor({ begin, env, listener }: ChildOptions) {
    this.isSolitary = begin.isSolitary;
    this.#listener = listener;
    this.ready = new Promise((resolve) => {
      this.#onReady = resolve;
    });
    const journal = openJournal();
    try {
      this.#process = fork(ENTRY, [], {
        env,
        cwd: begin.input.cwd,
        serialization: 'advanced',
        detached: true, // it leads a group of its own, which can be killed whole
        stdio: ['ignore', 'inherit', 'inherit', 'ipc', journal.fd],
      });
    } catch (error) {
      journal.close();
      throw error;
    }
    this.#process.on('message', (message) => this.#receive(message as FromChild));
    this.ended = this.#untilGone().then((end) => {
      const begun = journal.read();
      journal.close();
      return this.#conclude(end, begun);
    });
    this.send(begin);
  }

  /** 0 when it could not be started. */
  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get uptimeMs(): number {
    return performance.now() - this.#startedAt;
  }

  /** Since its last sign of life. */
  get silentMs(): number {
    return performance.now() - this.#lastSignAt;
  }

  /** Sends a message; one to a child that is gone is dropped. */
  send(message: ToChild): void {
    if (this.#process.connected) this.#process.send(message, () => undefined);
  }

  /** Asks for an orderly end. */
  end(how: 'shutdown' | 'retire'): void {
    this.send({ kind: how });
  }

  /** Kills it with everything it started. */
  kill(reason: 'stuck' | 'shutdown'): void {
    this.#killedFor ??= reason;
    this.#killGroup();
  }

  /** Its metrics now, or what it told last when it does not answer in time. */
  async scrape(limitMs: number): Promise<void> {
    await this.#call((call) => ({ kind: 'scrape', call }), limitMs);
  }

  /** Lets it say at once what it is doing; waits so long for it. */
  async probe(limitMs: number): Promise<void> {
    await this.#call((call) => ({ kind: 'probe', call }), limitMs);
  }

  /** Hands over a suspect; `undefined` when it died before it answered. */
  async adopt(suspect: Suspect): Promise<boolean | undefined> {
    const answer = await this.#call((call) => ({ kind: 'adopt', call, suspect }));
    return answer?.kind === 'adopted' ? answer.isTaken : undefined;
  }

  #call(
    make: (call: number) => ToChild,
    limitMs = Number.POSITIVE_INFINITY,
  ): Promise<FromChild | undefined> {
    if (!this.#process.connected) return Promise.resolve(undefined);
    const call = ++this.#lastCall;
    return new Promise((resolve) => {
      const timer = Number.isFinite(limitMs)
        ? setTimeout(() => finish(undefined), limitMs)
        : undefined;
      const finish = (answer: FromChild | undefined): void => {
        clearTimeout(timer);
        this.#calls.delete(call);
        resolve(answer);
      };
      this.#calls.set(call, finish);
      this.send(make(call));
    });
  }

  #receive(message: FromChild): void {
    this.#lastSignAt = performance.now();
    switch (message.kind) {
      case 'hello':
        this.identity = message;
        return;
      case 'ready':
        this.handlers = message.handlers;
        this.isReady = true;
        this.#onReady(true);
        return this.#listener.onReady(this);
      case 'startFailed':
        this.startFailure = message;
        return;
      case 'beat':
        this.beat = message;
        return this.#listener.onBeat(this);
      case 'firstDone':
        this.hasDoneTask = true;
        return;
      case 'stuck':
        for (const task of message.tasks) this.stuck.set(journalKey(task), task.reason);
        this.metrics = message.metrics ?? this.metrics;
        return this.#listener.onStuck(this);
      case 'isolate':
        return this.#listener.onIsolate(this, message.call, message.suspect);
      case 'idle':
        return this.#listener.onIdle(this);
      case 'metrics':
        this.metrics = message.metrics;
        return this.#calls.get(message.call)?.(message);
      case 'probed':
      case 'adopted':
        return this.#calls.get(message.call)?.(message);
      case 'ended':
        this.#hasEnded = true;
        this.metrics = message.metrics;
    }
  }

  /** Waits for the exit, then for the rest of its group and of its messages. */
  #untilGone(): Promise<ProcessEnd> {
    return new Promise((resolve) => {
      let end: ProcessEnd = { code: null, signal: null };
      const finish = (): void => resolve(end);
      this.#process.once('exit', (code, signal) => {
        end = { code, signal };
        this.#killGroup();
        setTimeout(finish, CHANNEL_MS).unref();
      });
      this.#process.once('close', finish);
      this.#process.on('error', () => {
        // Other errors are of a message or a signal that came too late: its exit tells the rest.
        if (this.#process.pid === undefined) finish();
      });
    });
  }

  #conclude(end: ProcessEnd, begun: ReadonlySet<string>): ChildEnd {
    this.#onReady(false);
    for (const finish of this.#calls.values()) finish(undefined);
    const isOrderly = this.#hasEnded && end.code === 0;
    const cause = this.#killedFor ?? (isOrderly ? 'shutdown' : 'died');
    const facts: DeathFacts = { cause, stuck: this.stuck, begun };
    return { ...end, uptimeMs: this.uptimeMs, facts };
  }

  #killGroup(): void {
    if (this.#process.pid === undefined) return;
    try {
      process.kill(-this.#process.pid, 'SIGKILL');
    } catch (error) {
      // ESRCH: nothing of the group is left. EPERM: what is left has become another user's.
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ESRCH' && code !== 'EPERM') throw error;
    }
  }
}
