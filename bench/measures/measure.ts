/** What every measure is given, and what it gives back. */
import type { BenchRedis } from '../bench-redis.ts';
import type { BullMq } from '../contenders/bullmq.ts';
import type { BarePiscina } from '../contenders/piscina.ts';
import type { Threadmill } from '../contenders/threadmill.ts';
import type { Row } from '../row.ts';
import type { Scale } from '../scale.ts';

/** The field. */
export interface Contenders {
  readonly threadmill: Threadmill;
  readonly bullmqInline: BullMq;
  readonly bullmqThreads: BullMq;
  readonly piscina: BarePiscina;
}

/** What a measure works with. */
export interface Bench {
  readonly contenders: Contenders;
  readonly scale: Scale;
  readonly redis: Pick<BenchRedis, 'clean' | 'url'>;
  /** Threads of every contender that has threads. */
  readonly threads: number;
  /** Turns of the loop that take a millisecond on an idle core. */
  readonly turnsPerMs: number;
}

/** One group of rows. */
export interface Measure {
  /** As in `--only`. */
  readonly name: string;
  /** One line for people, while it runs. */
  readonly title: string;
  run(bench: Bench): Promise<Row[]>;
}
