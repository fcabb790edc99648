/** Sums the metrics of several processes. Each process tells them as plain data; the sums are one exposition. */
import {
  AggregatorRegistry,
  type MetricObjectWithValues,
  type MetricValue,
  type Registry,
} from 'prom-client';

/** All metrics of a registry as plain data, which survives a message between processes. */
export type MetricsRecord = readonly MetricObjectWithValues<MetricValue<string>>[];

/** What an ended process leaves in the sums: what it counted. What it was at the moment went with it. */
const COUNTED: readonly string[] = ['counter', 'histogram'];

/** Reads a registry. */
export async function readMetrics(registry: Registry): Promise<MetricsRecord> {
  return registry.getMetricsAsJSON();
}

/** The exposition text of the sums, and its content type. Lag is not summed, but the worst of all. */
export async function sumMetrics(
  records: readonly MetricsRecord[],
): Promise<{ readonly contentType: string; readonly body: string }> {
  const sums = sum(records);
  return { contentType: sums.contentType, body: await sums.metrics() };
}

/** What is kept of a process that ended. */
export function countsOf(record: MetricsRecord): MetricsRecord {
  // prom-client writes the type as a name, though its declaration says an enum of numbers.
  return record.filter((metric) => COUNTED.includes(String(metric.type)));
}

/** Several records as one. */
export async function sumCounts(records: readonly MetricsRecord[]): Promise<MetricsRecord> {
  return sum(records).getMetricsAsJSON();
}

function sum(records: readonly MetricsRecord[]): Registry {
  return AggregatorRegistry.aggregate([...records]);
}
