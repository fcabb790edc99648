/** A TCP proxy before Redis, one for each server of the fleet, so that each can be cut off by itself. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { type Damage, type Faults, Link, type Silence } from './link.ts';

/** A running proxy. */
export class Proxy {
  readonly damage: Damage = {
    cut: 0,
    swallowedBytes: 0,
    delayedBytes: 0,
    lostReplies: 0,
    endedByRedis: 0,
  };
  readonly #faults: Faults = { latencyMs: 0, silence: undefined, loseReplyTo: undefined };
  readonly #links = new Set<Link>();
  readonly #server: Server;
  readonly #port: () => number;

  private constructor(port: () => number) {
    this.#port = port;
    this.#server = createServer((client) => {
      const link = new Link({
        client,
        port: this.#port(),
        faults: this.#faults,
        damage: this.damage,
        onClose: (closed) => this.#links.delete(closed),
      });
      this.#links.add(link);
    });
  }

  /** Listens on a free port of the loopback; `port` says where new connections go. */
  static async open(port: () => number): Promise<Proxy> {
    const proxy = new Proxy(port);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get connections(): number {
    return this.#links.size;
  }

  /** Ends all connections; answers how many. */
  cut(): number {
    const links = [...this.#links];
    for (const link of links) link.destroy();
    this.damage.cut += links.length;
    return links.length;
  }

  /** All connections become half-open, and new ones until the returned function is called. */
  silence(silence: Silence): () => void {
    this.#faults.silence = silence;
    for (const link of this.#links) link.fallSilent(silence);
    return () => {
      this.#faults.silence = undefined;
      for (const link of this.#links) link.deliverKept();
    };
  }

  /** Delays everything, in both directions; 0 = no more. */
  delay(latencyMs: number): void {
    this.#faults.latencyMs = latencyMs;
  }

  /** Loses the reply to the next request in which this text stands; `undefined` = no more. */
  loseReplyTo(text: string | undefined): void {
    this.#faults.loseReplyTo = text;
  }

  /** Ends everything. */
  async close(): Promise<void> {
    this.#server.close();
    for (const link of this.#links) link.destroy();
    await once(this.#server, 'close');
  }
}
