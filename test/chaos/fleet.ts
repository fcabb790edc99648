/** The servers of a run, and what can be seen of them: which processes live, and what they are working on. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Guard } from './guard.ts';
import type { LiveView } from './live-view.ts';
import { type ServerName, SERVERS } from './plan.ts';
import type { Proxy } from './proxy.ts';
import { type ServerEnd, ServerProcess } from './server-process.ts';
import { CLOCK_OFF_MS, RETRY_DELAY_MS } from './settings.ts';

/** What a fleet is made of. */
export interface FleetOptions {
  readonly proxies: Readonly<Record<ServerName, Proxy>>;
  readonly dist: string;
  readonly folder: string;
  readonly records: string;
  readonly run: string;
  readonly guard: Guard;
  readonly view: LiveView;
}

const CONFIG = `export default { retryDelay: () => ${RETRY_DELAY_MS} };\n`;
const OFF: ServerName = 'B';
const LIBRARY: ServerName = 'C';

/** The servers. */
export class Fleet {
  readonly servers: Readonly<Record<ServerName, ServerProcess>>;
  readonly #view: LiveView;

  constructor(options: FleetOptions) {
    const { proxies, folder, view, ...shared } = options;
    this.#view = view;
    const make = (name: ServerName): ServerProcess => {
      const own = join(folder, name);
      mkdirSync(own, { recursive: true });
      writeFileSync(join(own, 'threadmill.config.mjs'), CONFIG);
      return new ServerProcess({
        ...shared,
        name,
        kind: name === LIBRARY ? 'library' : 'serve',
        redisUrl: proxies[name].url,
        clockMs: name === OFF ? CLOCK_OFF_MS : 0,
        folder: own,
      });
    };
    this.servers = { A: make('A'), B: make('B'), C: make('C') };
  }

  start(): void {
    for (const name of SERVERS) this.servers[name].start();
  }

  get isUp(): boolean {
    return SERVERS.every((name) => this.servers[name].isUp);
  }

  /** The child processes of a `threadmill serve`, those with begun tasks first. */
  children(name: ServerName): number[] {
    const { pid } = this.servers[name];
    return this.#view.childrenOf(pid).sort((a, b) => this.#view.begun(b) - this.#view.begun(a));
  }

  /** All processes of a server. */
  tree(name: ServerName): number[] {
    const { pid } = this.servers[name];
    return pid === 0 ? [] : [pid, ...this.children(name)];
  }

  /** How many tasks, of this type where one is given, these processes have begun and not ended. */
  begun(pids: readonly number[], type?: string): number {
    return pids.reduce((sum, pid) => sum + this.#view.begun(pid, type), 0);
  }

  /** Ends all servers in order. */
  async close(): Promise<ServerEnd[]> {
    const ends = await Promise.all(SERVERS.map((name) => this.servers[name].close()));
    return ends.filter((end) => end !== undefined);
  }
}
