/** What the shell does to the view: ends it, puts it to sleep, wakes it. */

const ENDING = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** What is done then. */
export interface SignalHandlers {
  /** The view is to end by this signal. */
  readonly onEnd: (signal: NodeJS.Signals) => void;
  /** The terminal goes to somebody else. */
  readonly onSleep: () => void;
  readonly onWake: () => void;
}

/** Listens until `close`. */
export interface SignalWatch {
  /** As Ctrl-Z, which a terminal in raw mode does not make a signal of: all of the job goes to sleep, `npx` too. */
  sleep(): void;
  close(): void;
}

/** Begins to listen. */
export function watchSignals({ onEnd, onSleep, onWake }: SignalHandlers): SignalWatch {
  const sleepAs = (pid: number): void => {
    onSleep();
    process.off('SIGTSTP', onStop); // without a listener the signal does what it is for
    process.kill(pid, 'SIGTSTP');
  };
  const onStop = (): void => sleepAs(process.pid);
  const onContinue = (): void => {
    process.off('SIGTSTP', onStop).on('SIGTSTP', onStop);
    onWake();
  };
  for (const signal of ENDING) process.on(signal, onEnd);
  process.on('SIGTSTP', onStop).on('SIGCONT', onContinue);
  return {
    sleep: () => sleepAs(0),
    close: () => {
      for (const signal of ENDING) process.off(signal, onEnd);
      process.off('SIGTSTP', onStop).off('SIGCONT', onContinue);
    },
  };
}
