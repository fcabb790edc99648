/** Verdicts on Redis itself. */
import { type Finding, well } from './finding.ts';

/** Fields of `INFO`. */
type Fields = ReadonlyMap<string, string>;

const FULL_SHARE = 0.9;
const SKEW_WARNING_MS = 1_000;
const SKEW_PROBLEM_MS = 5_000;
const SLOW_WARNING_MS = 20;
const SLOW_PROBLEM_MS = 250;

/** `refusal`: why it is not supported, if it is not. */
export function judgeVersion(product: string, version: string, refusal?: string): Finding {
  const check = 'redis-version';
  if (refusal === undefined) return well(check, `${product} ${version}`);
  const advice = 'use Redis 6.2 or later, or Valkey 7.2 or later';
  return { check, status: 'problem', text: refusal, advice, isFixable: false };
}

/** A replica takes no writes, and says what was true a while ago. */
export function judgeRole(fields: Fields): Finding {
  const check = 'redis-role';
  const role = fields.get('role') ?? 'master';
  if (role === 'master') return well(check, 'master');
  const text = `this is a replica of ${fields.get('master_host') ?? 'another server'}: it takes no writes`;
  const advice = 'connect to the master, best by way of Sentinel (redis-sentinel://…)';
  return { check, status: 'problem', text, advice, isFixable: false };
}

/** Whatever else than `noeviction` deletes tasks once memory is short. */
export function judgeEviction(fields: Fields): Finding {
  const check = 'eviction-policy';
  const policy = fields.get('maxmemory_policy');
  if (policy === undefined) {
    const text = 'Redis does not say what it deletes when memory is short';
    const advice = 'make sure that its maxmemory-policy is noeviction';
    return { check, status: 'warning', text, advice, isFixable: false };
  }
  if (policy === 'noeviction') return well(check, policy);
  const isBounded = (fields.get('maxmemory') ?? '0') !== '0';
  const loses = policy.startsWith('volatile') ? 'locks, counters and heartbeats' : 'tasks';
  const text = `${policy}: when memory is short, Redis deletes ${loses}${isBounded ? '' : ' (no maxmemory is set now)'}`;
  const advice =
    'redis-cli CONFIG SET maxmemory-policy noeviction, and the same in its configuration';
  return { check, status: isBounded ? 'problem' : 'warning', text, advice, isFixable: false };
}

/** Over `maxmemory` nothing can be enqueued. */
export function judgeMemory(fields: Fields): Finding {
  const check = 'memory';
  const limit = Number(fields.get('maxmemory') ?? 0);
  const used = Number(fields.get('used_memory') ?? 0);
  if (limit === 0) return well(check, `${mebibytes(used)} used, no limit`);
  const share = `${mebibytes(used)} of ${mebibytes(limit)} used`;
  if (used < limit * FULL_SHARE) return well(check, share);
  const advice =
    'raise maxmemory, or delete tasks: threadmill task deleteall -q <queue> -s archived';
  const status = used < limit ? 'warning' : 'problem';
  return { check, status, text: share, advice, isFixable: false };
}

/** `save`: the setting; `undefined` where Redis does not tell. */
export function judgePersistence(fields: Fields, save: string | undefined): Finding {
  const check = 'persistence';
  const failed = failedWrites(fields);
  if (failed !== undefined) {
    const advice = "look into Redis's log: the disk may be full, or not writable";
    return { check, status: 'problem', text: failed, advice, isFixable: false };
  }
  if (fields.get('aof_enabled') === '1') return well(check, 'append-only file');
  const advice = 'redis-cli CONFIG SET appendonly yes, and the same in its configuration';
  if (save === undefined) {
    const text = 'no append-only file; Redis does not tell whether it makes snapshots';
    return { check, status: 'warning', text, advice, isFixable: false };
  }
  if (save === '') {
    const text = 'neither append-only file nor snapshots: a restart of Redis loses every task';
    return { check, status: 'problem', text, advice, isFixable: false };
  }
  const text = `snapshots only (save ${save}): a crash loses what came since the last one`;
  return { check, status: 'warning', text, advice, isFixable: false };
}

function failedWrites(fields: Fields): string | undefined {
  if (fields.get('aof_enabled') === '1' && fields.get('aof_last_write_status') === 'err') {
    return 'the last write of the append-only file failed';
  }
  return fields.get('rdb_last_bgsave_status') === 'err' ? 'the last snapshot failed' : undefined;
}

/** One question and its answer: local clock before and after, Redis's in between; in milliseconds. */
export interface ClockSample {
  readonly askedAt: number;
  readonly answeredAt: number;
  readonly redisAt: number;
}

/** Of this machine. Its own servers live by Redis's clock; those of Go, and instants that clients give, do not. */
export function judgeClock(samples: readonly ClockSample[]): Finding {
  const check = 'clock-skew';
  // The fastest answer says most.
  const [best] = [...samples].sort((a, b) => roundTrip(a) - roundTrip(b));
  if (best === undefined) return well(check, 'not looked at');
  const skewMs = (best.askedAt + best.answeredAt) / 2 - best.redisAt;
  const isWithin = Math.abs(skewMs) <= Math.max(SKEW_WARNING_MS, roundTrip(best));
  const text = `this machine is ${milliseconds(Math.abs(skewMs))} ${skewMs < 0 ? 'behind' : 'ahead of'} Redis`;
  if (isWithin) return well(check, text);
  const advice = 'let NTP set the clocks of this machine and of Redis';
  const status = Math.abs(skewMs) < SKEW_PROBLEM_MS ? 'warning' : 'problem';
  return { check, status, text, advice, isFixable: false };
}

/** Every task costs some round trips. */
export function judgeLatency(samples: readonly ClockSample[]): Finding {
  const check = 'latency';
  const times = samples.map(roundTrip).sort((a, b) => a - b);
  const median = times[Math.floor(times.length / 2)] ?? 0;
  const text = `round trip ${milliseconds(median)} (median of ${times.length}), ${milliseconds(times.at(-1) ?? 0)} at most`;
  if (median < SLOW_WARNING_MS) return well(check, text);
  const advice =
    'run servers near Redis; redis-cli --latency and SLOWLOG GET tell network and load apart';
  const status = median < SLOW_PROBLEM_MS ? 'warning' : 'problem';
  return { check, status, text, advice, isFixable: false };
}

function roundTrip({ askedAt, answeredAt }: ClockSample): number {
  return answeredAt - askedAt;
}

function milliseconds(value: number): string {
  if (value >= 10_000) return `${(value / 1000).toFixed(0)} s`;
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MiB`;
}
