/** Ends attempts: the caller of `settle.lua`. */
import { queueKeys } from '../wire/keys.ts';
import type { StampedMessage } from '../wire/task-message.ts';
import type { Recovery, SettleCall, Settlement, SettleReply } from './broker.ts';
import { type BrokerContext, call } from './context.ts';
import { begunArguments } from './lease.ts';
import { toList } from './reply.ts';
import type { ScriptArgument } from './script.ts';

/**
 * Seconds after the end of a lease of ours before its task is taken. The expiry is by Redis's own clock and the owner stops
 * its tasks before it comes, so this is only for what the stop itself may take.
 */
export const RECOVERY_MARGIN_SECONDS = 2;
/** Seconds that asynq waits after the end of a lease before it takes the task from its server (protocol 16.8). */
export const RECOVERY_GRACE_SECONDS = 30;

/** Protobuf tag bytes of the instants that the script writes (fields 11 and 13, varint). */
const TAGS: Readonly<Record<StampedMessage['field'], Uint8Array>> = {
  lastFailedAt: Uint8Array.of(0x58),
  completedAt: Uint8Array.of(0x68),
  none: new Uint8Array(),
};
const NO_BYTES = new Uint8Array();

/** Settles tasks of one server, each of which its run must still hold. */
export function settle(
  context: BrokerContext,
  { queue, server, settlements, begun = [] }: SettleCall,
): Promise<SettleReply[]> {
  const entries = settlements.map(({ run, settlement }) => ({ holder: run, settlement }));
  return settleWhere(context, queue, entries, ['own', server, 0, 0, ...begunArguments(begun)]);
}

/** Settles tasks of others, if their lease is still over: it may have been extended since it was listed. */
export function settleExpired(
  context: BrokerContext,
  queue: string,
  recoveries: readonly Recovery[],
): Promise<SettleReply[]> {
  const margins = [RECOVERY_MARGIN_SECONDS, RECOVERY_GRACE_SECONDS];
  return settleWhere(context, queue, recoveries.map(toEntry), ['expired', '', ...margins, 0]);
}

/** Settles tasks without lease, if they still have none. */
export function settleUnleased(
  context: BrokerContext,
  queue: string,
  recoveries: readonly Recovery[],
): Promise<SettleReply[]> {
  return settleWhere(context, queue, recoveries.map(toEntry), ['unleased', '', 0, 0, 0]);
}

interface Entry {
  readonly holder: string | number;
  readonly settlement: Settlement;
}

function toEntry({ token = '', settlement }: Recovery): Entry {
  return { holder: token, settlement };
}

async function settleWhere(
  context: BrokerContext,
  queue: string,
  entries: readonly Entry[],
  condition: readonly ScriptArgument[],
): Promise<SettleReply[]> {
  if (entries.length === 0) return [];
  const { active, lease, pending, retry, archived, completed, processed, failed, taskPrefix } =
    queueKeys(queue);
  const reply = await call(
    context,
    'settle',
    [active, lease, pending, retry, archived, completed, processed, failed],
    [context.offsetSeconds, taskPrefix, ...condition, ...entries.flatMap(toArguments)],
  );
  return toList(reply).map((settled) => (settled === 1 ? 'settled' : 'lost'));
}

/** The eleven arguments of one settlement, in the order of the script's header. */
function toArguments({ holder, settlement }: Entry): ScriptArgument[] {
  const { kind, id } = settlement;
  switch (kind) {
    case 'done':
      return [kind, id, holder, settlement.uniqueKey, '', '', '', 0, 0, '', ''];
    case 'complete': {
      const { uniqueKey, message, retentionSeconds, result } = settlement;
      const hasResult = result === undefined ? 0 : 1;
      const tail = [retentionSeconds, hasResult, result ?? NO_BYTES, ''];
      return [kind, id, holder, uniqueKey, ...messageArguments(message), ...tail];
    }
    case 'retry': {
      const { message, delayMs, counts, mark = '' } = settlement;
      return [
        kind,
        id,
        holder,
        '',
        ...messageArguments(message),
        delayMs,
        counts ? 1 : 0,
        '',
        mark,
      ];
    }
    case 'archive': {
      const { message, mark = '' } = settlement;
      return [kind, id, holder, '', ...messageArguments(message), 0, 0, '', mark];
    }
    case 'requeue':
      return [kind, id, holder, '', '', '', '', 0, 0, '', settlement.mark ?? ''];
  }
}

function messageArguments({ head, field, tail }: StampedMessage): ScriptArgument[] {
  return [head, TAGS[field], tail];
}
