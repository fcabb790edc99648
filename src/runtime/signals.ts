/** Runs a server until a signal ends it. */

/** What is needed of a server. */
export interface Runnable {
  start(): Promise<void>;
  stop(): Promise<void>;
  shutdown(): Promise<void>;
}

const ENDING = ['SIGTERM', 'SIGINT'] as const;

/** Under npm one Ctrl-C arrives twice, from the terminal and from npm: what comes this soon is the same signal. */
const SAME_SIGNAL_MS = 1_000;

/**
 * Starts the server and waits: SIGTERM and SIGINT shut it down, a second one ends the process with exit code 1; SIGTSTP
 * stops pulling, as asynq does. A signal during the start ends it as soon as it is started.
 */
export async function runUntilSignal(server: Runnable): Promise<void> {
  let onEnd: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    onEnd = resolve;
  });
  let firstAt: number | undefined;
  const end = (): void => {
    firstAt ??= performance.now();
    if (performance.now() - firstAt > SAME_SIGNAL_MS) process.exit(1);
    onEnd();
  };
  const pause = (): void => {
    // `stop` reports its failures itself and never rejects for a server that runs.
    server.stop().catch(onEnd);
  };
  for (const signal of ENDING) process.on(signal, end);
  process.on('SIGTSTP', pause);
  try {
    await server.start();
    await ended;
    await server.shutdown();
  } finally {
    for (const signal of ENDING) process.off(signal, end);
    process.off('SIGTSTP', pause);
  }
}
