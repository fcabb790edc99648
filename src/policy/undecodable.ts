/** A message that can be read, made of one that cannot, so that it may lie in the archive and harm nobody. */
import { UNDECODABLE_TYPE } from '../task.ts';
import {
  emptyTaskMessage,
  encodeTaskMessage,
  rewriteTaskMessage,
  type StampedMessage,
} from '../wire/task-message.ts';
import { errorText } from './error-text.ts';

/** What is known of such a message. */
export interface Undecodable {
  readonly id: string;
  readonly queue: string;
  readonly raw: Uint8Array | undefined;
  readonly error: Error;
}

/**
 * A message of type `threadmill:undecodable` with the unreadable bytes as its payload, for the archive. `last_failed_at`
 * is left to the script.
 */
export function undecodableMessage({ id, queue, raw, error }: Undecodable): StampedMessage {
  const message = encodeTaskMessage({
    ...emptyTaskMessage(),
    type: UNDECODABLE_TYPE,
    payload: raw ?? new Uint8Array(),
    id,
    queue,
  });
  return rewriteTaskMessage(message, { errorMsg: errorText(error), stamp: 'lastFailedAt' });
}
