/** What one run has sent so far: the outbox keeps its bounds here. */
export interface RunOutput {
  /** Number of the run; 0 = what is printed outside of any run, or after the run ended. */
  readonly run: number;
  /** Characters of log lines kept so far. */
  size: number;
  /** Lines left out. */
  dropped: number;
  /** Progress that waits to be sent, as JSON. */
  progress: string | undefined;
  /** When progress was last sent, by the monotonic clock. */
  progressSentAt: number;
  /** Text written to the streams without an end of line yet. */
  readonly partial: { stdout: string; stderr: string };
  /** Set when the run's outcome goes out: from then on its lines belong to run 0. */
  isOver: boolean;
}

/** A fresh record for a run. */
export function createRunOutput(run: number): RunOutput {
  return {
    run,
    size: 0,
    dropped: 0,
    progress: undefined,
    progressSentAt: Number.NEGATIVE_INFINITY,
    partial: { stdout: '', stderr: '' },
    isOver: false,
  };
}
