import type { HandlerDefinition } from '../src/handler.ts';
import type { TaskEnvelope } from '../src/threads/messages.ts';
import { createRunOutput, type RunOutput } from './run-output.ts';
import type { RunStop } from './run-stop.ts';
import { ThreadTask } from './thread-task.ts';

/**
 * One run in this thread.
 *
 *     begun -> over (its outcome is on the port)
 *
 * It is over when its handler returned or threw, or when an uncaught error of its context was taken for its outcome;
 * what its code does after that no longer counts.
 */
export class ThreadRun {
  readonly envelope: TaskEnvelope;
  readonly slot: number;
  readonly task: ThreadTask;
  readonly output: RunOutput;
  readonly startedAt: number = performance.now();
  readonly stop: RunStop;
  /** Known once the module is loaded. */
  definition: HandlerDefinition | undefined;
  isOver = false;

  constructor(envelope: TaskEnvelope, slot: number, makeStop: (run: ThreadRun) => RunStop) {
    this.envelope = envelope;
    this.slot = slot;
    this.task = new ThreadTask(envelope);
    this.output = createRunOutput(envelope.run);
    this.stop = makeStop(this);
  }

  /** Milliseconds since it began. */
  get runMs(): number {
    return performance.now() - this.startedAt;
  }
}
