/** Runs a server until a signal ends it. */

/** What is needed of a server. */
export interface Runnable {
  start(): Promise<void>;
  stop(): Promise<void>;
  shutdown(): Promise<unknown>;
  /** Ends the process at once. */
  force(): void;
}

const ENDING = ['SIGTERM', 'SIGINT'] as const;

/** Under npm one Ctrl-C arrives twice, from the terminal and from npm: what comes this soon is the same signal. */
const SAME_SIGNAL_MS = 1_000;

/** What signals ask for. */
export interface SignalActions {
  /** SIGTERM or SIGINT; once. */
  end(): void;
  /** A second one of them, over a second later; also every further one. */
  force(): void;
  /** SIGTSTP. */
  pause(): void;
}

/** Listens to the signals until the returned function is called. */
export function onSignals({ end, force, pause }: SignalActions): () => void {
  let firstAt: number | undefined;
  const onEnd = (): void => {
    const isFirst = firstAt === undefined;
    firstAt ??= performance.now();
    if (isFirst) end();
    else if (performance.now() - firstAt > SAME_SIGNAL_MS) force();
  };
  for (const signal of ENDING) process.on(signal, onEnd);
  process.on('SIGTSTP', pause);
  return () => {
    for (const signal of ENDING) process.off(signal, onEnd);
    process.off('SIGTSTP', pause);
  };
}

/**
 * Starts the server and waits: SIGTERM and SIGINT shut it down, a second one ends the process with exit code 1; SIGTSTP
 * stops pulling, as asynq does. A signal during the start takes effect as soon as it is started.
 */
export async function runUntilSignal(server: Runnable): Promise<void> {
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  let isPaused = false;
  const pause = (): void => {
    isPaused = true;
    // `stop` reports its failures itself and never rejects for a server that runs.
    void server.stop().catch(end);
  };
  const off = onSignals({ end, force: () => server.force(), pause });
  try {
    await server.start();
    if (isPaused) pause(); // a server that was still starting has nothing to stop yet
    await ended;
    await server.shutdown();
  } finally {
    off();
  }
}
