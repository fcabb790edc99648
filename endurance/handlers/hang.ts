/** Promises signs of life, and gives none. */
import { defineHandler, type HandlerDefinition } from '../../src/handler.ts';

/** The handler of `hang`. */
const hang: HandlerDefinition = defineHandler({
  heartbeat: '200ms',
  handle: () => new Promise(() => setInterval(() => undefined, 60_000)),
});

export default hang;
