/** What every measure is given, and what it gives back. */
import type { BenchRedis } from '../bench-redis.ts';
import type { BullMq } from '../contenders/bullmq.ts';
import type { GoProgram } from '../contenders/go-program.ts';
import type { BarePiscina } from '../contenders/piscina.ts';
import type { RawProtocol } from '../contenders/raw-protocol.ts';
import type { Threadmill } from '../contenders/threadmill.ts';
import type { Row } from '../row.ts';
import type { Scale } from '../scale.ts';

/** The field. */
export interface Contenders {
  readonly threadmill: Threadmill;
  readonly bullmqInline: BullMq;
  readonly bullmqThreads: BullMq;
  readonly piscina: BarePiscina;
  readonly rawProtocol: RawProtocol;
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
  /** asynq in Go, built and started when it is first asked for; `undefined`, and a note in the report, without Go. */
  asynq(): Promise<GoProgram | undefined>;
  /** Adds a line to the report, about what could not be measured, say. */
  note(text: string): void;
  /** Tasks that `rss` is to run, where somebody named a number. */
  readonly tasks?: number | undefined;
}

/** One group of rows. */
export interface Measure {
  /** As in `--only`. */
  readonly name: string;
  /** One line for people, while it runs. */
  readonly title: string;
  /** What the report says above the group, in a few sentences: what is timed, against whom, and what to know of it. */
  readonly about?: string;
  run(bench: Bench): Promise<Row[]>;
}
