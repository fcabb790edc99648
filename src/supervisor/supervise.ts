/**
 * The parent process of `threadmill serve`: runs no handler, but keeps child processes that do, settles what a dead one
 * held, and owns HTTP and signals.
 */
import { componentLogger } from '../logger.ts';
import { onSignals } from '../runtime/signals.ts';
import { composeFleet, type SuperviseOptions } from './compose.ts';
import type { Fleet } from './fleet.ts';
import { openFleetHttp } from './fleet-http.ts';
import { openSchedule } from './schedule.ts';
import { shutDownFleet } from './shutdown.ts';

export type { SuperviseOptions } from './compose.ts';

/** Runs until a signal. Rejects with `ChildStartError`, and with the errors of HTTP; nothing is left running then. */
export async function supervise(options: SuperviseOptions): Promise<void> {
  const { settings, logger } = options;
  const parts = composeFleet(options);
  const { fleet, broker, metrics } = parts;
  const schedule = openSchedule(settings, parts, logger);
  const { ended, off } = listenToSignals(fleet);
  let exitCode = 1;
  try {
    const http = await openFleetHttp(settings, parts, componentLogger(logger, 'serve'));
    try {
      await Promise.race([fleet.start(), ended]);
      await Promise.race([schedule.start(), ended]);
      await ended;
      exitCode = 0;
    } finally {
      const log = componentLogger(logger, 'supervisor');
      await Promise.all([schedule.stop(), shutDownFleet({ ...settings, ...parts }, log, exitCode)]);
      await http.close();
    }
  } finally {
    metrics.stop();
    await broker.close();
    off();
  }
}

/** `ended` resolves with the first signal that asks for the end; a second one does not wait for it. */
function listenToSignals(fleet: Fleet): { readonly ended: Promise<void>; off(): void } {
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const off = onSignals({
    end,
    force: () => {
      for (const child of fleet.children) child.kill('shutdown');
      process.exit(1);
    },
    pause: () => fleet.pause(),
  });
  return { ended, off };
}
