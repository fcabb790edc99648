/** A loop that never looks: only the end of its thread ends it. */
import { defineHandler, type HandlerDefinition, type TaskContext } from '../../../src/handler.ts';

/** What it is given to end by itself, which it does not; taken off what is measured. */
export const TIGHT_GRACE_MS = 20;

/** The handler of `tight`. */
const tight: HandlerDefinition = defineHandler({
  cancelGrace: TIGHT_GRACE_MS,
  handle: (_task, ctx: TaskContext) => {
    ctx.progress('running');
    for (;;);
  },
});

export default tight;
