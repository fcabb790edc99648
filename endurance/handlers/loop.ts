/** A tight loop that outlives its timeout. */
import { defineHandler, type HandlerDefinition } from '../../src/handler.ts';

/** The handler of `loop`. */
const loop: HandlerDefinition = defineHandler({
  timeout: '200ms',
  handle: () => {
    for (;;);
  },
});

export default loop;
