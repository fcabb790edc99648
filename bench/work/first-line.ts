/**
 * How a handler tells when its first line ran, whichever runtime called it: over a channel of its own, so that no
 * contender's way of reporting results is part of the figure. The instant is taken before it is sent.
 */
import { once } from 'node:events';
import { BroadcastChannel } from 'node:worker_threads';

const CHANNEL = 'threadmill-bench-first-line';

/**
 * Milliseconds of the machine's monotonic clock, comparable across threads. `performance.timeOrigin + performance.now()`
 * is not: between a thread and the main thread it was seen to differ by 0.4 ms, a third of what is measured here.
 */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

let sender: BroadcastChannel | undefined;

/** Sends the instant of a handler's first line to whoever watches. The channel does not keep the thread alive. */
export function sendFirstLine(atMs: number): void {
  sender ??= openChannel();
  sender.postMessage(atMs);
}

/** Watches for first lines. */
export interface FirstLineWatch {
  /** The instant of the next first line. Rejects after `limitMs`. One call at a time. */
  next(limitMs: number): Promise<number>;
  close(): void;
}

/** Opens the receiving end. It keeps the process alive until it is closed. */
export function watchFirstLines(): FirstLineWatch {
  const channel = new BroadcastChannel(CHANNEL);
  return {
    next: (limitMs) => nextMessage(channel, limitMs),
    close: () => channel.close(),
  };
}

function openChannel(): BroadcastChannel {
  const channel = new BroadcastChannel(CHANNEL);
  channel.unref();
  return channel;
}

async function nextMessage(channel: BroadcastChannel, limitMs: number): Promise<number> {
  try {
    const signal = AbortSignal.timeout(limitMs);
    const [event] = (await once(channel, 'message', { signal })) as [{ readonly data: number }];
    return event.data;
  } catch (error) {
    throw new Error(`no handler began within ${limitMs} ms`, { cause: error });
  }
}
