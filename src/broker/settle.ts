/** Ends attempts: the caller of `settle.lua`. */
import { type QueueKeys, queueKeys } from '../wire/keys.ts';
import type { StampedMessage } from '../wire/task-message.ts';
import { encodeEnd, encodePlace, wholeMs } from '../wire/task-records.ts';
import type {
  BegunRun,
  EndedAttempt,
  Recovery,
  SettleCall,
  Settlement,
  SettleReply,
} from './broker.ts';
import { type BrokerContext, call } from './context.ts';
import { begunArguments, reportArguments } from './lease.ts';
import { toNumber, toText } from './reply.ts';
import type { ScriptArgument } from './script.ts';
import { isLarge, stage, type StagedValues, unstage } from './stage.ts';

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
/** Digits of the script's reply. */
const SETTLED = '1';
const UNSTAGED = '2';
/** Behind the digits: the archive is to be trimmed further. */
const OVERFULL = '+';

/** Settles tasks of one server, each of which its run must still hold. */
export function settle(
  context: BrokerContext,
  { queue, server, settlements, begun = [] }: SettleCall,
): Promise<SettleReply[]> {
  const entries = settlements.map(({ run, settlement, attempt }) => {
    return { holder: run, settlement, attempt };
  });
  return settleWhere(context, queue, entries, ['own', server, 0, 0], begun);
}

/** Settles tasks of others, if their lease is still over: it may have been extended since it was listed. */
export function settleExpired(
  context: BrokerContext,
  queue: string,
  recoveries: readonly Recovery[],
): Promise<SettleReply[]> {
  const margins = [RECOVERY_MARGIN_SECONDS, RECOVERY_GRACE_SECONDS];
  return settleWhere(context, queue, recoveries.map(toEntry), ['expired', '', ...margins]);
}

/** Settles tasks without lease, if they still have none. */
export function settleUnleased(
  context: BrokerContext,
  queue: string,
  recoveries: readonly Recovery[],
): Promise<SettleReply[]> {
  return settleWhere(context, queue, recoveries.map(toEntry), ['unleased', '', 0, 0]);
}

interface Entry {
  readonly holder: string | number;
  readonly settlement: Settlement;
  readonly attempt: EndedAttempt | undefined;
  readonly staged?: StagedValues;
}

function toEntry({ token = '', settlement, attempt }: Recovery): Entry {
  return { holder: token, settlement, attempt };
}

async function settleWhere(
  context: BrokerContext,
  queue: string,
  entries: readonly Entry[],
  condition: readonly ScriptArgument[],
  begun: readonly BegunRun[] = [],
): Promise<SettleReply[]> {
  if (entries.length === 0) return [];
  const keys = queueKeys(queue);
  const write = (some: readonly Entry[]): Promise<string> =>
    writeEntries(context, keys, some, condition, begun);
  const ready = await stageLarge(context, keys, entries);
  let replies = await write(ready).catch((error: unknown) => {
    unstage(
      context,
      ready.flatMap(({ staged }) => staged ?? []),
    );
    throw error;
  });
  if (replies.includes(UNSTAGED)) {
    const unstaged = entries.filter((_entry, index) => replies[index] === UNSTAGED);
    const late = await write(unstaged);
    let at = 0;
    replies = replies.replaceAll(UNSTAGED, () => late.charAt(at++)) + late.slice(at);
  }
  if (replies.includes(OVERFULL)) await trimArchive(context, keys);
  return entries.map((_entry, index) => (replies[index] === SETTLED ? 'settled' : 'lost'));
}

/**
 * In steps, so that no call holds Redis for long. Whatever stops it, the tasks are settled, and the next one that is
 * archived goes on with it.
 */
async function trimArchive(context: BrokerContext, keys: QueueKeys): Promise<void> {
  const args = [context.offsetSeconds, keys.taskPrefix];
  const trim = (): Promise<unknown> => call(context, 'trim-archive', [keys.archived], args);
  try {
    while (toNumber(await trim()) > 0);
  } catch {
    // nothing is lost
  }
}

async function stageLarge(
  context: BrokerContext,
  keys: QueueKeys,
  entries: readonly Entry[],
): Promise<readonly Entry[]> {
  if (!entries.some(({ settlement }) => isLarge(settlement))) return entries;
  return Promise.all(
    entries.map(async (entry) => {
      if (!isLarge(entry.settlement)) return entry;
      const staged = await stage(context, keys, entry.settlement);
      return staged === undefined ? entry : { ...entry, staged };
    }),
  );
}

/** One digit per entry. */
async function writeEntries(
  context: BrokerContext,
  keys: QueueKeys,
  entries: readonly Entry[],
  condition: readonly ScriptArgument[],
  begun: readonly BegunRun[],
): Promise<string> {
  const { active, lease, pending, retry, archived, completed, processed, failed } = keys;
  const names = [active, lease, pending, retry, archived, completed, processed, failed];
  const { list, more } = toArguments(entries);
  const fixed = [context.offsetSeconds, keys.taskPrefix, ...condition, list];
  const reply = await call(context, 'settle', names, [...fixed, ...begunArguments(begun), ...more]);
  return toText(reply);
}

/** The arguments of settlements, in the order of the script's header: what each has, and what some have beside it. */
function toArguments(entries: readonly Entry[]): { list: string; more: ScriptArgument[] } {
  const list: (string | number)[] = [];
  const more: ScriptArgument[] = [];
  for (const entry of entries) {
    const { settlement } = entry;
    const isJustDone = settlement.kind === 'done' && settlement.uniqueKey === '';
    list.push(settlement.id, `${entry.holder}`, isJustDone ? 0 : 1);
    if (isJustDone) continue;
    const { key = '', fields = '' } = entry.staged ?? {};
    more.push(...settlementArguments(entry), key, fields, ...attemptArguments(entry));
  }
  return { list: JSON.stringify(list), more };
}

/** The first nine. */
function settlementArguments({ settlement, staged }: Entry): ScriptArgument[] {
  const { kind } = settlement;
  const isStaged = (field: string): boolean => staged?.fields.includes(field) === true;
  const messageOf = (message: StampedMessage): ScriptArgument[] =>
    isStaged('msg') ? ['', '', ''] : messageArguments(message);
  switch (kind) {
    case 'done':
      return [kind, settlement.uniqueKey, '', '', '', 0, 0, '', ''];
    case 'complete': {
      const { uniqueKey, message, retentionSeconds, result } = settlement;
      const hasResult = result === undefined ? 0 : 1;
      const bytes = result === undefined || isStaged('result') ? '' : result;
      return [kind, uniqueKey, ...messageOf(message), retentionSeconds, hasResult, bytes, ''];
    }
    case 'retry': {
      const { message, delayMs, counts, mark = '' } = settlement;
      return [kind, '', ...messageOf(message), delayMs, counts ? 1 : 0, '', mark];
    }
    case 'archive': {
      const { message, mark = '' } = settlement;
      return [kind, '', ...messageOf(message), 0, 0, '', mark];
    }
    case 'requeue':
      return [kind, '', '', '', '', 0, 0, '', settlement.mark ?? ''];
  }
}

/** How many they are, then what `lib/attempts.lua` and `lib/report.lua` read. */
function attemptArguments({ attempt, settlement }: Entry): ScriptArgument[] {
  if (attempt === undefined || settlement.kind === 'done') return [0];
  const { outcome, error, runMs, agoMs = 0, report } = attempt;
  const ran = runMs === undefined ? '' : wholeMs(runMs);
  const line = [wholeMs(agoMs), ran, encodePlace(attempt), encodeEnd(outcome, error)];
  return [6, ...line, ...reportArguments(report)];
}

/** Head, tag of the instant and tail, as `lib/stamp.lua` takes them. */
export function messageArguments({ head, field, tail }: StampedMessage): ScriptArgument[] {
  return [head, TAGS[field], tail];
}
