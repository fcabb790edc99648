/** One exposition for the whole fleet: the sums over living children, over those that ended, and over the supervisor. */
import type { Registry } from 'prom-client';
import {
  countsOf,
  type MetricsRecord,
  readMetrics,
  sumCounts,
  sumMetrics,
} from '../metrics/aggregate.ts';
import type { Child } from './child.ts';

/** A child that does not answer a scrape in this time is served from its last answer. */
const SCRAPE_MS = 1_000;

/** Scrapes the fleet. */
export class FleetScrape {
  readonly #own: Registry;
  readonly #children: () => readonly Child[];
  /** What ended children counted; summed up now and then, so that it does not grow. */
  readonly #ended: MetricsRecord[] = [];
  #isFolding = false;

  constructor(own: Registry, children: () => readonly Child[]) {
    this.#own = own;
    this.#children = children;
  }

  /** Keeps what a child counted, as far as it has told: no counter goes back because of its end. */
  onGone({ metrics }: Child): void {
    if (metrics !== undefined) this.#ended.push(countsOf(metrics));
  }

  /** The exposition text and its content type. */
  async scrape(): Promise<{ readonly contentType: string; readonly body: string }> {
    const ready = this.#children().filter((child) => child.isReady);
    const answers = ready.map((child) => child.scrape(SCRAPE_MS));
    const [own] = await Promise.all([readMetrics(this.#own), ...answers]);
    await this.#fold();
    // Gathered in one turn: a child that ends meanwhile is either among the living or among the ended.
    const living = this.#children().flatMap(({ metrics }) => metrics ?? []);
    return sumMetrics([own, living, ...this.#ended]);
  }

  async #fold(): Promise<void> {
    const count = this.#ended.length;
    if (count < 2 || this.#isFolding) return;
    this.#isFolding = true;
    const sum = await sumCounts(this.#ended.slice(0, count));
    this.#ended.splice(0, count, sum);
    this.#isFolding = false;
  }
}
