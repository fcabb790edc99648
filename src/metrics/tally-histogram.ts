/**
 * A histogram of what every task brings. prom-client checks, sorts and joins the labels at each observation, which costs
 * more than the rest of the event; here an observation is a few additions, and labels are dealt with at the scrape. What a
 * scrape shows is the same to the letter.
 */
import type { Histogram, MetricObjectWithValues, MetricValueWithName, Registry } from 'prom-client';

/** How a histogram is made. */
export interface TallyHistogramOptions<Label extends string> {
  readonly name: string;
  readonly help: string;
  /** Upper bounds, in ascending order. */
  readonly buckets: readonly number[];
  /** Labels that each series has. */
  readonly labelNames: readonly Label[];
}

/** What was observed under one set of labels. */
export class Tally<Label extends string = string> {
  readonly labels: Readonly<Record<Label, string>>;
  /** Observations per bucket, not cumulative; the last is of what is beyond all bounds. */
  readonly counts: Float64Array;
  sum = 0;
  count = 0;
  readonly #bounds: readonly number[];

  constructor(labels: Readonly<Record<Label, string>>, bounds: readonly number[]) {
    this.labels = labels;
    this.counts = new Float64Array(bounds.length + 1);
    this.#bounds = bounds;
  }

  /** Counts one value. Throws `TypeError` for what is no finite number: the sum would be lost for ever. */
  observe(value: number): void {
    if (!Number.isFinite(value)) throw new TypeError(`cannot observe ${value}`);
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket += 1;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sum += value;
    this.count += 1;
  }
}

/** All series of one metric. */
export class TallyHistogram<Label extends string> {
  readonly name: string;
  readonly help: string;
  readonly type = 'histogram';
  readonly labelNames: readonly Label[];
  readonly #bounds: readonly number[];
  #tallies: Tally<Label>[] = [];

  constructor({ name, help, buckets, labelNames }: TallyHistogramOptions<Label>) {
    this.name = name;
    this.help = help;
    this.labelNames = labelNames;
    this.#bounds = buckets;
  }

  /** Lets the registry show it. */
  registerIn(registry: Registry): void {
    // A registry asks no more of a metric than its name, `get` and `reset`.
    registry.registerMetric(this as unknown as Histogram);
  }

  /** A new series, shown once something was observed. Keep it: a second one with the same labels would be another. */
  series(labels: Readonly<Record<Label, string>>): Tally<Label> {
    const tally = new Tally(labels, this.#bounds);
    this.#tallies.push(tally);
    return tally;
  }

  /** What a registry shows of it. */
  get(): Promise<MetricObjectWithValues<MetricValueWithName<Label | 'le'>>> {
    const values = this.#tallies
      .filter(({ count }) => count > 0)
      .flatMap((tally) => this.#show(tally));
    const { name, help, type } = this;
    const described = { name, help, type, aggregator: 'sum', values };
    // prom-client writes the type as a name, though its declaration says an enum of numbers.
    return Promise.resolve(
      described as unknown as MetricObjectWithValues<MetricValueWithName<Label | 'le'>>,
    );
  }

  reset(): void {
    for (const tally of this.#tallies) {
      tally.counts.fill(0);
      tally.sum = 0;
      tally.count = 0;
    }
  }

  #show({ labels, counts, sum, count }: Tally<Label>) {
    const { name } = this;
    let below = 0;
    const buckets = this.#bounds.map((le, index) => {
      below += counts[index] ?? 0;
      return { labels: { le, ...labels }, value: below, metricName: `${name}_bucket` };
    });
    return [
      ...buckets,
      { labels: { le: '+Inf', ...labels }, value: count, metricName: `${name}_bucket` },
      { labels: { ...labels }, value: sum, metricName: `${name}_sum` },
      { labels: { ...labels }, value: count, metricName: `${name}_count` },
    ];
  }
}
