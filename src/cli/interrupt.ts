/** Ctrl-C as a request to stop between two steps. */

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** Exit code of a command that a first Ctrl-C ended early, as a shell would give it for the signal. */
export const EXIT_INTERRUPTED = 130;

/**
 * Runs the operation with a signal that the first SIGINT or SIGTERM aborts. The second one ends the process at once,
 * since nobody listens any more.
 */
export async function interruptible<Result>(
  operation: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  const stop = (): void => {
    for (const name of SIGNALS) process.off(name, stop);
    controller.abort();
  };
  for (const name of SIGNALS) process.on(name, stop);
  try {
    return await operation(controller.signal);
  } finally {
    for (const name of SIGNALS) process.off(name, stop);
  }
}
