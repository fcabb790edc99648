/** Who leads schedule entries, and what tools see of them: the caller of `lead`, `list-schedule` and `note-enqueue.lua`. */
import { SCHEDULE_LEASES, schedulerHistoryKey, schedulerKey, SCHEDULERS } from '../wire/keys.ts';
import type {
  LeadCall,
  LeadReply,
  LedEntry,
  ScheduleList,
  ScheduleNote,
  SchedulingCalls,
} from './broker.ts';
import { type BrokerContext, call } from './context.ts';
import { enterList } from './presence.ts';
import { toList, toNumber, toText } from './reply.ts';

/** How long Redis remembers an entry that no scheduler claims: then it counts as new. */
const REMEMBERED_SECONDS = 90 * 86_400;
/** Claims that go with one script, which takes less than a millisecond. */
const MAX_CLAIMS = 100;

/** The scheduler's part of the broker. */
export function scheduling(context: BrokerContext): SchedulingCalls {
  return {
    lead: (leadCall) => lead(context, leadCall),
    listSchedule: (list) => listSchedule(context, list),
    unlistSchedule: (scheduler) => unlistSchedule(context, scheduler),
    noteEnqueue: (note) => noteEnqueue(context, note),
  };
}

/** Claims entries in as many scripts as it takes, one after the other. */
async function lead(context: BrokerContext, leadCall: LeadCall): Promise<LeadReply> {
  const { claims } = leadCall;
  let now = 0;
  const entries: LedEntry[] = [];
  for (let i = 0; i === 0 || i < claims.length; i += MAX_CLAIMS) {
    const reply = await leadSome(context, { ...leadCall, claims: claims.slice(i, i + MAX_CLAIMS) });
    now = reply.now;
    entries.push(...reply.entries);
  }
  return { now, entries };
}

async function leadSome(context: BrokerContext, leadCall: LeadCall): Promise<LeadReply> {
  const { scheduler, leaseMs, claims } = leadCall;
  const args = claims.flatMap(({ entryId, doneAt = 0, previousAt = 0 }) => [
    entryId,
    Math.floor(doneAt),
    previousAt,
  ]);
  const head = [context.offsetSeconds, scheduler, leaseMs, REMEMBERED_SECONDS];
  const reply = toList(await call(context, 'lead', [SCHEDULE_LEASES], [...head, ...args]));
  const entries = claims.map((_, i) => readEntry(reply.slice(1 + 4 * i, 5 + 4 * i)));
  return { now: toNumber(reply[0]), entries };
}

function readEntry([led, done, previous, from]: readonly unknown[]): LedEntry {
  const previousAt = toNumber(previous);
  const takenFrom = toText(from);
  return {
    isLed: toNumber(led) === 1,
    doneAt: toNumber(done),
    ...(previousAt === 0 ? {} : { previousAt }),
    ...(takenFrom === '' ? {} : { takenFrom }),
  };
}

/** Enters the scheduler, then writes its list, as asynq does: the two are in different slots. */
async function listSchedule(context: BrokerContext, list: ScheduleList): Promise<void> {
  const { scheduler, entries, ttlSeconds } = list;
  const key = schedulerKey(scheduler);
  await Promise.all([
    enterList(context, SCHEDULERS, key, ttlSeconds),
    call(context, 'list-schedule', [key], [ttlSeconds, ...entries]),
  ]);
}

async function unlistSchedule({ connection }: BrokerContext, scheduler: string): Promise<void> {
  const key = schedulerKey(scheduler);
  await Promise.all([
    connection.run((redis) => redis.zrem(SCHEDULERS, key), { key: SCHEDULERS }),
    connection.run((redis) => redis.del(key), { key }),
  ]);
}

async function noteEnqueue(context: BrokerContext, note: ScheduleNote): Promise<void> {
  const { entryId, at, event, ttlSeconds } = note;
  const args = [Math.floor(at / 1000), event, ttlSeconds];
  await call(context, 'note-enqueue', [schedulerHistoryKey(entryId)], args);
}
