/** Ends attempts: the caller of `settle.lua`. */
import { queueKeys } from '../wire/keys.ts';
import type { StampedMessage } from '../wire/task-message.ts';
import type { Settlement, SettleReply } from './broker.ts';
import { type BrokerContext, call } from './context.ts';
import { toList } from './reply.ts';
import type { ScriptArgument } from './script.ts';

/** Seconds that asynq waits after the end of a lease before it takes the task from its server (protocol 16.8). */
export const RECOVERY_GRACE_SECONDS = 30;

/** Protobuf tag bytes of the instants that the script writes (fields 11 and 13, varint). */
const TAGS: Readonly<Record<StampedMessage['field'], Uint8Array>> = {
  lastFailedAt: Uint8Array.of(0x58),
  completedAt: Uint8Array.of(0x68),
  none: new Uint8Array(),
};
const NO_BYTES = new Uint8Array();

/** Settles our own tasks, which we hold as long as they are in `active` and `lease`. */
export function settle(
  context: BrokerContext,
  queue: string,
  settlements: readonly Settlement[],
): Promise<SettleReply[]> {
  return settleWhere(context, queue, settlements, ANY);
}

/** Settles tasks of others, if their lease is still over by 30 s: it may have been extended since it was listed. */
export function settleExpired(
  context: BrokerContext,
  queue: string,
  settlements: readonly Settlement[],
): Promise<SettleReply[]> {
  return settleWhere(context, queue, settlements, {
    ...ANY,
    expiredBySeconds: RECOVERY_GRACE_SECONDS,
  });
}

/** Settles tasks of an owner that has died, if they are still leased for it: others may have taken them meanwhile. */
export async function settleHeld(
  context: BrokerContext,
  queue: string,
  owner: string,
  settlements: readonly Settlement[],
): Promise<SettleReply[]> {
  if (owner === '') throw new TypeError('an owner without a name holds no tasks'); // the script's word for "any"
  return settleWhere(context, queue, settlements, { ...ANY, owner });
}

/** Which tasks may be touched; '' = whatever it is. */
interface Condition {
  /** How long their lease must be over. */
  readonly expiredBySeconds: number | '';
  /** Whom they must be leased for. */
  readonly owner: string;
}

const ANY: Condition = { expiredBySeconds: '', owner: '' };

async function settleWhere(
  context: BrokerContext,
  queue: string,
  settlements: readonly Settlement[],
  { expiredBySeconds, owner }: Condition,
): Promise<SettleReply[]> {
  if (settlements.length === 0) return [];
  const keys = queueKeys(queue);
  const reply = await call(
    context,
    'settle',
    [
      keys.active,
      keys.lease,
      keys.pending,
      keys.retry,
      keys.archived,
      keys.completed,
      keys.processed,
      keys.failed,
    ],
    [
      context.offsetSeconds,
      keys.taskPrefix,
      expiredBySeconds,
      owner,
      ...settlements.flatMap(toArguments),
    ],
  );
  return toList(reply).map((settled) => (settled === 1 ? 'settled' : 'lost'));
}

/** The ten arguments of one settlement, in the order of the script's header. */
function toArguments(settlement: Settlement): ScriptArgument[] {
  const { kind, id } = settlement;
  switch (kind) {
    case 'done':
      return [kind, id, settlement.uniqueKey, '', '', '', 0, 0, '', ''];
    case 'complete': {
      const { uniqueKey, message, retentionSeconds, result } = settlement;
      const hasResult = result === undefined ? 0 : 1;
      const tail = [retentionSeconds, hasResult, result ?? NO_BYTES, ''];
      return [kind, id, uniqueKey, ...messageArguments(message), ...tail];
    }
    case 'retry': {
      const { message, delayMs, counts, mark = '' } = settlement;
      return [kind, id, '', ...messageArguments(message), delayMs, counts ? 1 : 0, '', mark];
    }
    case 'archive': {
      const { message, mark = '' } = settlement;
      return [kind, id, '', ...messageArguments(message), 0, 0, '', mark];
    }
    case 'requeue':
      return [kind, id, '', '', '', '', 0, 0, '', settlement.mark ?? ''];
  }
}

function messageArguments({ head, field, tail }: StampedMessage): ScriptArgument[] {
  return [head, TAGS[field], tail];
}
