/** Knows whether Redis answers: by the state of the connection, and by a ping now and then. */
import type { Broker } from '../broker/broker.ts';
import { every } from './every.ts';
import type { ServerEmitter } from './emitter.ts';
import type { Service } from './service.ts';

/** What the health check works with. */
export interface HealthOptions {
  readonly broker: Pick<Broker, 'ping' | 'onConnectionChange' | 'isConnected'>;
  readonly emitter: ServerEmitter;
  readonly intervalMs: number;
}

/** Says `redis` once per change. */
export class Health implements Service {
  readonly name = 'health';
  readonly #options: HealthOptions;
  readonly #loop: Service;
  #isRedisUp = false;
  #unsubscribe: (() => void) | undefined;

  constructor(options: HealthOptions) {
    this.#options = options;
    this.#loop = every({
      name: this.name,
      intervalMs: options.intervalMs,
      run: () => this.#check(),
      onFault: (where, error) => options.emitter.fault(where, error),
    });
  }

  /** Whether Redis answered last time it was asked, and the connection stands. */
  get isRedisUp(): boolean {
    return this.#isRedisUp;
  }

  async start(): Promise<void> {
    this.#isRedisUp = this.#options.broker.isConnected();
    this.#unsubscribe = this.#options.broker.onConnectionChange((isUp) => this.#set(isUp));
    await this.#loop.start();
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.();
    await this.#loop.stop();
  }

  async #check(): Promise<void> {
    try {
      await this.#options.broker.ping();
      this.#set(true);
    } catch {
      this.#set(false); // the state is the news; it is told once, as an event, not at every try
    }
  }

  #set(isUp: boolean): void {
    if (isUp === this.#isRedisUp) return;
    this.#isRedisUp = isUp;
    this.#options.emitter.emit('redis', { isUp });
  }
}
