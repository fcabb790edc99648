/** The one shape of everything that runs while a server runs. */

/**
 * A component with a life. `start` resolves when it works; `stop` resolves when nothing of it runs any more, may be
 * called at any time and more than once. The signal given to `stop` aborts when the time for it is over: what still
 * waits then is given up.
 */
export interface Service {
  readonly name: string;
  start(): Promise<void> | void;
  stop(signal?: AbortSignal): Promise<void> | void;
}
