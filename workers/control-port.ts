import { receiveMessageOnPort, type MessagePort, type Transferable } from 'node:worker_threads';
import type { FromThread, ToThread } from '../src/threads/messages.ts';

const LOOK: FromThread = { kind: 'look' };

/** This thread's end of the one port to the main thread. */
export class ControlPort {
  readonly #port: MessagePort;
  readonly #onMessage: (message: ToThread, isInRun: boolean) => void;
  /** Messages posted that say something, counted: `look` only points to the board. */
  said = 0;

  constructor(port: MessagePort, onMessage: (message: ToThread, isInRun: boolean) => void) {
    this.#port = port;
    this.#onMessage = onMessage;
    port.on('message', (message: ToThread) => onMessage(message, false));
  }

  /** Throws what `postMessage` throws, e.g. for a value that cannot be cloned. */
  post(message: FromThread, transfer: readonly Transferable[] = []): void {
    this.#port.postMessage(message, transfer);
    this.said += 1;
  }

  /** Has main look at the board. */
  pointToBoard(): void {
    this.#port.postMessage(LOOK);
  }

  /** Handles the messages that have arrived; for code of a run that never yields. */
  drain(): void {
    for (;;) {
      const entry = receiveMessageOnPort(this.#port);
      if (entry === undefined) return;
      this.#onMessage(entry.message as ToThread, true);
    }
  }
}
