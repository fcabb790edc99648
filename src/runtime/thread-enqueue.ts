/** Serves a handler's `ctx.enqueue` on the main thread. */
import type { Enqueuer } from '../enqueuer.ts';
import { serializeError } from '../serialize-error.ts';
import type { EnqueueAnswer } from '../threads/messages.ts';
import type { EnqueueFromThread } from '../threads/pool-listener.ts';

/** A listener for the requests of all threads; `onEnqueued` is called when at least one task was stored. */
export function threadEnqueue(
  enqueuer: Pick<Enqueuer, 'enqueueMany'>,
  onEnqueued: () => void,
): (request: EnqueueFromThread) => void {
  return (request) => {
    answer(enqueuer, request).then(
      (answers) => {
        request.reply(answers);
        if (answers.some((each) => each.ok)) onEnqueued();
      },
      (error: unknown) => {
        const failed: EnqueueAnswer = { ok: false, error: serializeError(error) };
        request.reply(request.items.map(() => failed));
      },
    );
  };
}

async function answer(
  enqueuer: Pick<Enqueuer, 'enqueueMany'>,
  request: EnqueueFromThread,
): Promise<EnqueueAnswer[]> {
  const results = await enqueuer.enqueueMany(
    request.items.map(({ options, ...task }) => ({ task, ...(options && { options }) })),
  );
  return results.map((result) =>
    result.ok ? result : { ok: false, error: serializeError(result.error) },
  );
}
