import type { HandlerDefinition } from '../src/handler.ts';
import type { PlacedEnvelope } from '../src/threads/task-batch.ts';
import { createRunOutput, type RunOutput } from './run-output.ts';
import { RunStop, type StopBoard } from './run-stop.ts';
import { ThreadTask } from './thread-task.ts';

/** What the runs of a thread work with. */
export interface RunBoard extends StopBoard {
  /** The slot in the journal of the run that has begun in this place. */
  journalSlot(place: number): number | undefined;
}

/**
 * One run in this thread.
 *
 *     begun -> over (its outcome is on the port)
 *
 * It is over when its handler returned or threw, or when an uncaught error of its context was taken for its outcome;
 * what its code does after that no longer counts.
 */
export class ThreadRun {
  readonly envelope: PlacedEnvelope;
  /** Messages that the thread had posted when it began. */
  readonly saidBefore: number;
  /** Where the journal names it, until its code has ended. */
  readonly journalSlot: number | undefined;
  readonly task: ThreadTask;
  readonly output: RunOutput;
  readonly startedAt: number = performance.now();
  readonly stop: RunStop;
  /** Known once the module is loaded. */
  definition: HandlerDefinition | undefined;
  isOver = false;

  constructor(envelope: PlacedEnvelope, saidBefore: number, board: RunBoard) {
    this.envelope = envelope;
    this.saidBefore = saidBefore;
    this.journalSlot = board.journalSlot(envelope.place);
    this.task = new ThreadTask(envelope);
    this.output = createRunOutput(envelope.run);
    this.stop = new RunStop(this, board);
  }

  get run(): number {
    return this.envelope.run;
  }

  /** Milliseconds since it began. */
  get runMs(): number {
    return performance.now() - this.startedAt;
  }
}
