/**
 * Knows whether Redis answers and writes: by the state of the connection, by a write on trial now and then, and at once
 * when somebody meets a refusal.
 *
 *     up <-> down      no connection, or no answer
 *     up <-> refusing  it answers, but writes nothing: it is full, or a replica
 */
import type { Broker } from '../broker/broker.ts';
import { RedisReplyError } from '../errors.ts';
import { type RedisRefusal, redisRefusal } from '../policy/redis-refusal.ts';
import { every } from './every.ts';
import type { ServerEmitter } from './emitter.ts';
import type { Service } from './service.ts';

/** What the health check works with. */
export interface HealthOptions {
  readonly broker: Pick<Broker, 'tryWrite' | 'onConnectionChange' | 'isConnected'>;
  readonly emitter: ServerEmitter;
  readonly queues: readonly string[];
  readonly intervalMs: number;
}

/** A Redis that answers no sooner than this hangs: the truth is told long before the commands time out. Milliseconds. */
const ANSWER_MS = 2_000;
/** A timer that comes so much too late tells of a loop that was held up. */
const HELD_UP_MS = 100;

type State = 'up' | 'down' | RedisRefusal;

/** Says `redis` once per change. */
export class Health implements Service {
  readonly name = 'health';
  readonly #options: HealthOptions;
  readonly #loop: Service;
  #state: State = 'down';
  #checking: Promise<void> | undefined;
  #isStarted = false;
  #unsubscribe: (() => void) | undefined;

  constructor(options: HealthOptions) {
    this.#options = options;
    this.#loop = every({
      name: this.name,
      intervalMs: options.intervalMs,
      isImmediate: true, // a server that starts with a full Redis is not ready
      run: () => this.#check(),
      onFault: (where, error) => options.emitter.fault(where, error),
    });
    options.emitter.on('fault', ({ error }) => {
      if (this.#isStarted && this.#state === 'up' && redisRefusal(error)) void this.#check();
    });
  }

  /** Whether Redis answered last time it was asked, and the connection stands. */
  get isRedisUp(): boolean {
    return this.#state !== 'down';
  }

  /** Why Redis writes nothing although it answers; `undefined` when it does, or is away. */
  get refusal(): string | undefined {
    return typeof this.#state === 'string' ? undefined : this.#state.text;
  }

  async start(): Promise<void> {
    this.#isStarted = true;
    this.#state = this.#options.broker.isConnected() ? 'up' : 'down';
    this.#unsubscribe?.();
    this.#unsubscribe = this.#options.broker.onConnectionChange((isUp) => this.#onChange(isUp));
    await this.#loop.start();
  }

  async stop(): Promise<void> {
    this.#isStarted = false;
    this.#unsubscribe?.();
    await this.#loop.stop();
    await this.#checking;
  }

  /** What comes back may be another Redis, so it is up once it would write. One that refuses may be reconnected to. */
  #onChange(isUp: boolean): void {
    if (!isUp) {
      if (this.refusal === undefined) this.#set('down');
      return;
    }
    // A check under way may have begun before, and be about to give up.
    void (this.#checking ?? Promise.resolve()).then(() => this.#check());
  }

  #check(): Promise<void> {
    this.#checking ??= this.#look().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async #look(): Promise<void> {
    if (!this.#isStarted) return;
    let state = await this.#ask();
    // A connection to a replica is being renewed: a question that falls into that says nothing.
    if (state === 'down' && this.refusal !== undefined) state = await this.#ask();
    if (this.#isStarted) this.#set(state);
  }

  #ask(): Promise<State> {
    const { broker, queues } = this.#options;
    return within(
      ANSWER_MS,
      broker.tryWrite(queues).then(() => 'up', stateOf),
    );
  }

  #set(state: State): void {
    const isNews = nameOf(state) !== nameOf(this.#state);
    this.#state = state;
    if (!isNews) return;
    const refusal = this.refusal;
    const isUp = this.isRedisUp;
    this.#options.emitter.emit('redis', { isUp, ...(refusal === undefined ? {} : { refusal }) });
  }
}

/** The state is the news: it is told once, as an event, not at every try. Any other refusal is of one command. */
function stateOf(error: unknown): State {
  return redisRefusal(error) ?? (error instanceof RedisReplyError ? 'up' : 'down');
}

function nameOf(state: State): string {
  return typeof state === 'string' ? state : state.code;
}

/** The answer, or `down`. A process that itself stood still has the answer yet to read: it waits for as long again, once. */
async function within(limitMs: number, answer: Promise<State>): Promise<State> {
  let timer: NodeJS.Timeout | undefined;
  const dueAt = performance.now() + limitMs;
  const late = new Promise<State>((resolve) => {
    timer = setTimeout(() => {
      const heldUpMs = performance.now() - dueAt;
      if (heldUpMs < HELD_UP_MS) resolve('down');
      else timer = setTimeout(() => resolve('down'), Math.min(heldUpMs, limitMs));
    }, limitMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
