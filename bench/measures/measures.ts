/** Every measure, in the order of the table. */
import { backlog } from './backlog.ts';
import { cost } from './cost.ts';
import { cpu } from './cpu.ts';
import { enqueue } from './enqueue.ts';
import { idle } from './idle.ts';
import type { Measure } from './measure.ts';
import { memory } from './memory.ts';
import { noop } from './noop.ts';
import { payload } from './payload.ts';
import { pickup } from './pickup.ts';
import { rss } from './rss.ts';
import { stop } from './stop.ts';

/** A new measure is added here. */
export const MEASURES: readonly Measure[] = [
  enqueue,
  noop,
  cpu,
  cost,
  pickup,
  idle,
  backlog,
  memory,
  payload,
  rss,
  stop,
];
