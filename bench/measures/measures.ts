/** Every measure, in the order of the table. */
import { cpu } from './cpu.ts';
import { enqueue } from './enqueue.ts';
import type { Measure } from './measure.ts';
import { noop } from './noop.ts';
import { pickup } from './pickup.ts';
import { stop } from './stop.ts';

/** A new measure is added here. */
export const MEASURES: readonly Measure[] = [enqueue, noop, cpu, pickup, stop];
