/** Who competes in a run, and what else its measures share. */
import { availableParallelism } from 'node:os';
import type { BenchRedis } from './bench-redis.ts';
import { bullmqInline } from './contenders/bullmq-inline.ts';
import { bullmqThreads } from './contenders/bullmq-threads.ts';
import { GoProgram, NoGoError } from './contenders/go-program.ts';
import { BarePiscina } from './contenders/piscina.ts';
import { RawProtocol } from './contenders/raw-protocol.ts';
import { Threadmill } from './contenders/threadmill.ts';
import type { Bench, Contenders } from './measures/measure.ts';
import type { Scale } from './scale.ts';
import { turnsPerMs } from './work/spin.ts';

/** The field of one run. Closing it ends what was started for the whole run. */
export class Field implements Bench {
  readonly contenders: Contenders;
  readonly scale: Scale;
  readonly redis: BenchRedis;
  readonly threads: number = availableParallelism();
  readonly turnsPerMs: number = turnsPerMs();
  readonly tasks: number | undefined;
  /** What measures had to say besides their rows. */
  readonly notes: string[] = [];
  #asynq: Promise<GoProgram | undefined> | undefined;

  constructor(redis: BenchRedis, scale: Scale, tasks?: number) {
    this.redis = redis;
    this.scale = scale;
    this.tasks = tasks;
    this.contenders = {
      threadmill: new Threadmill(redis),
      bullmqInline: bullmqInline(redis),
      bullmqThreads: bullmqThreads(redis),
      piscina: new BarePiscina(),
      rawProtocol: new RawProtocol(redis),
    };
  }

  asynq(): Promise<GoProgram | undefined> {
    this.#asynq ??= this.#startAsynq();
    return this.#asynq;
  }

  note(text: string): void {
    if (!this.notes.includes(text)) this.notes.push(text);
  }

  /** Versions of what was started for this run. */
  async versions(): Promise<Readonly<Record<string, string>>> {
    const program = await this.#asynq;
    if (program === undefined) return {};
    return { asynq: program.asynqVersion, go: program.goVersion };
  }

  async close(): Promise<void> {
    const program = await this.#asynq?.catch(() => undefined);
    await program?.close();
  }

  async #startAsynq(): Promise<GoProgram | undefined> {
    try {
      return await GoProgram.start(this.redis.options);
    } catch (error) {
      if (!(error instanceof NoGoError)) throw error;
      this.note(`asynq in Go was not measured: ${error.message}.`);
      return undefined;
    }
  }
}
