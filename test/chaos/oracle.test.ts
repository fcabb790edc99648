/** A run that is well is found to be well; for each promise, one that broke it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeTaskMessage, emptyTaskMessage } from '../../src/wire/task-message.ts';
import { type Outage, readHistory } from './history.ts';
import { type Evidence, judge } from './oracle.ts';
import type { NewRecord, OwnEnd, RunRecord } from './records.ts';
import { PLACES, type Place, type QueueSnapshot, type Snapshot } from './snapshot.ts';
import type { KnownTask } from './task-set.ts';

const LOST = 'tasks lost';
const WRONG = 'tasks in a wrong or double state';
const ORPHANS = 'IDs without hash, hashes without place';
const LOCKS = 'leaked locks';
const ATTEMPTS = 'attempts spent beyond failures and deaths while begun';
const BEYOND = 'executions beyond 1 + failures + kills, fences and stops while begun';
const OVERLAPS = 'executions of one task that overlap';
const LEFT = 'processes left behind';

const SERVER_PID = 100;
const OTHER_PID = 200;
const LIBRARY_UUID = '00000000-0000-4000-8000-000000000001';

function known(key: number, wanted: KnownTask['end']): KnownTask {
  return {
    key,
    id: `t${key}`,
    queue: 'urgent',
    type: 'spin',
    deed: { key, ms: 1, failures: 0, way: 0 },
    at: 0,
    options: {},
    end: wanted,
    isProxied: false,
  };
}

function start(
  x: string,
  at: number,
  more: { key?: number; pid?: number; retried?: number } = {},
): RunRecord {
  const { key = 1, pid = SERVER_PID, retried = 0 } = more;
  const server = pid === SERVER_PID ? 'A' : 'B';
  return { k: 'start', x, key, task: `t${key}`, type: 'spin', retried, pid, tid: 1, server, at };
}

function end(x: string, at: number, how: OwnEnd = 'ok'): RunRecord {
  return { k: 'end', x, how, at };
}

function said(
  what: Extract<NewRecord, { k: 'fact' }>['what'],
  at: number,
  pid: number = SERVER_PID,
): RunRecord {
  return { k: 'fact', what, pid, task: 't1', reason: '', at };
}

/** Places of tasks by ID; each has its hash, with the result of the execution named. */
function holding(
  placed: Readonly<Record<string, Place>>,
  more: Partial<QueueSnapshot> & { result?: string; retried?: number; atMs?: number } = {},
): Snapshot {
  const { result = 'a', retried = 0, atMs = 0, ...rest } = more;
  const entries = Object.entries(placed);
  const idsIn = (place: Place): string[] =>
    entries.flatMap(([id, where]) => (where === place ? [id] : []));
  const message = Buffer.from(encodeTaskMessage({ ...emptyTaskMessage(), retried }));
  const hashes = entries.map(([id, state]) => {
    const fields = { state, result: JSON.stringify({ x: result }), lease: '', begun: '' };
    return [id, { ...fields, message: message.toString('base64') }] as const;
  });
  const queue = {
    queue: 'urgent',
    places: Object.fromEntries(PLACES.map((place) => [place, idsIn(place)])),
    leases: {},
    hashes: Object.fromEntries(hashes),
    locks: [],
    ...rest,
  } as QueueSnapshot;
  return { atMs, queues: [queue], servers: [`host:${SERVER_PID}:${LIBRARY_UUID}`] };
}

/** What broke, by promise: nothing where all is well. */
function broken(
  given: Partial<Omit<Evidence, 'history'>> & {
    records?: readonly RunRecord[];
    tasks?: readonly KnownTask[];
    outages?: readonly Outage[];
  },
): Record<string, readonly string[]> {
  const { records = [start('a', 10), end('a', 20)], tasks = [known(1, 'gone')], ...rest } = given;
  const findings = judge({
    expected: { tasks, stored: new Set(tasks.map(({ key }) => key)) },
    history: readHistory(records, { outages: given.outages ?? [] }),
    final: holding({}),
    looks: [],
    troubles: [],
    wrongAnswers: [],
    left: [],
    lagAt: () => 0,
    ...rest,
  });
  return Object.fromEntries(
    findings.filter(({ cases }) => cases.length > 0).map(({ what, cases }) => [what, cases]),
  );
}

test('nothing is found where every task ended as it should', () => {
  assert.deepEqual(broken({}), {});
  assert.deepEqual(
    broken({ tasks: [known(1, 'completed')], final: holding({ t1: 'completed' }) }),
    {},
  );
  const twice = [
    start('a', 10),
    end('a', 20, 'threw'),
    start('b', 30, { retried: 1 }),
    end('b', 40),
  ];
  assert.deepEqual(broken({ records: twice }), {});
});

test('a task that is gone without a success, and one that never came to rest, are lost', () => {
  assert.match(broken({ records: [] })[LOST]?.[0] ?? '', /gone and never succeeded/);
  assert.match(broken({ final: holding({ t1: 'retry' }) })[LOST]?.[0] ?? '', /still retry/);
});

test('a task that nobody acknowledged may be missing', () => {
  const expected = { tasks: [known(1, 'gone')], stored: new Set<number>() };
  assert.deepEqual(broken({ records: [], expected }), {});
});

test('a task that ended otherwise than it should is in a wrong state', () => {
  assert.deepEqual(Object.keys(broken({ final: holding({ t1: 'archived' }) })), [WRONG]);
  assert.deepEqual(Object.keys(broken({ tasks: [known(1, 'completed')] })), [WRONG]);
  assert.match(broken({ final: holding({ x9: 'completed' }) })[WRONG]?.[0] ?? '', /never enqueued/);
});

test('a task that is done although its last execution is not, was settled by one that had lost it', () => {
  const records = [start('a', 10), { k: 'frozen', pid: SERVER_PID, at: 11 } as const, end('a', 30)];
  const taken = [...records, start('b', 20, { pid: OTHER_PID }), end('b', 40, 'stopped')];
  assert.deepEqual(Object.keys(broken({ records: taken })), [WRONG, OVERLAPS].slice(0, 1));
  const well = [...records, start('b', 20, { pid: OTHER_PID }), end('b', 40)];
  const final = holding({ t1: 'completed' }, { result: 'a' });
  const found = broken({ records: well, tasks: [known(1, 'completed')], final });
  assert.match(found[WRONG]?.[0] ?? '', /result of execution a, not of its last, b/);
});

test('an ID in two places, and a hash that says otherwise, are seen at any look', () => {
  const twice = holding({ t1: 'active' }, { leases: { t1: 9 } });
  const [queue] = twice.queues;
  assert.ok(queue);
  const places = { ...queue.places, pending: ['t1'] };
  const look = { ...twice, queues: [{ ...queue, places }] };
  assert.deepEqual(broken({ looks: [look] })[WRONG], [
    'urgent: t1 is pending, its hash says active',
    'urgent: t1 is pending and active',
  ]);
});

test('a lease that is neither begun nor extended is forgotten, unless its server is not well', () => {
  const lease = `${LIBRARY_UUID}@boot 4 99`;
  const looks = [0, 4_000, 8_000].map((atMs) => {
    const held = holding({ t1: 'active' }, { atMs });
    const fields = { state: 'active', result: '', lease, begun: '', message: '' };
    const queues = held.queues.map((queue) => ({ ...queue, hashes: { t1: fields } }));
    return { ...held, queues };
  });
  const server = {
    k: 'process',
    pid: SERVER_PID,
    parent: 1,
    server: 'C',
    clockMs: 0,
    at: 0,
  } as const;
  const records = [server, start('a', 10_000), end('a', 10_001)];
  assert.match(broken({ looks, records })[WRONG]?.[0] ?? '', /leased by C and left for 8 s/);
  assert.deepEqual(broken({ looks: looks.slice(0, 2), records }), {});
  const troubles = [{ server: 'C', fromMs: 1_000, toMs: 2_000 }];
  assert.deepEqual(broken({ looks, records, troubles }), {});
  const gone = { k: 'gone', pid: SERVER_PID, by: 'kill', at: 3_000 } as const;
  assert.deepEqual(
    broken({ looks, records: [...records.slice(0, 1), gone, ...records.slice(1)] }),
    {},
  );
});

test('an answer that no producer should get is a wrong state', () => {
  assert.deepEqual(broken({ wrongAnswers: ['t1 conflicts with itself'] })[WRONG], [
    't1 conflicts with itself',
  ]);
});

test('IDs without hash, hashes without place and leases without task are orphans', () => {
  const final = holding(
    {},
    { leases: { t7: 1 }, hashes: holding({ t8: 'active' }).queues[0]?.hashes ?? {} },
  );
  assert.deepEqual(broken({ final })[ORPHANS], [
    'urgent: hash t8 stands nowhere',
    'urgent: lease of t7, which is not active',
  ]);
  const bare = holding({ t1: 'completed' }, { hashes: {} });
  assert.deepEqual(broken({ final: bare, tasks: [known(1, 'completed')] })[ORPHANS], [
    'urgent: t1 has no hash',
  ]);
});

test('a lock that is still there is leaked', () => {
  const final = holding({}, { locks: ['asynq:{urgent}:unique:a:b'] });
  assert.deepEqual(broken({ final })[LOCKS], ['lock asynq:{urgent}:unique:a:b']);
});

test('an attempt is spent only by an execution that failed or died while begun', () => {
  const tasks = [known(1, 'completed')];
  const final = holding({ t1: 'completed' }, { retried: 1 });
  assert.match(broken({ tasks, final })[ATTEMPTS]?.[0] ?? '', /spent 1 attempts, 0 of/);
  const given = [start('a', 10), end('a', 20, 'stopped'), said('requeued', 21)];
  const again = [start('b', 30, { retried: 1 }), end('b', 40), said('succeeded', 41)];
  assert.match(broken({ records: [...given, ...again] })[ATTEMPTS]?.[0] ?? '', /spent 1/);
  const died = [start('a', 10), { k: 'gone', pid: SERVER_PID, by: 'kill', at: 20 } as const];
  assert.deepEqual(broken({ records: [...died, ...again.slice(0, 2)] }), {});
});

test('an attempt may be spent by a success that could not be written, and by a run that a thread had begun', () => {
  const frozen = { k: 'frozen', pid: SERVER_PID, at: 15 } as const;
  const ok = [start('a', 10), end('a', 20)];
  const again = [start('b', 30, { pid: OTHER_PID, retried: 1 }), end('b', 40)];
  assert.deepEqual(broken({ records: [...ok, frozen, ...again] }), {});
  assert.match(broken({ records: again })[ATTEMPTS]?.[0] ?? '', /spent 1 attempts, 0 of/);
  assert.deepEqual(broken({ records: [said('began', 25), ...again] }), {});
  assert.match(
    broken({ records: [said('began', 25), ...ok.slice(0, 1), said('requeued', 26), ...again] })[
      ATTEMPTS
    ]?.[0] ?? '',
    /spent 1 attempts, 0 of/,
  );
});

test('an execution after a success is one too many, unless the success could not be written', () => {
  const ok = [start('a', 10), end('a', 20)];
  const again = [start('b', 30, { pid: OTHER_PID }), end('b', 40)];
  assert.equal(broken({ records: [...ok, ...again] })[BEYOND]?.length, 1);
  const killed = { k: 'gone', pid: SERVER_PID, by: 'kill', at: 21 } as const;
  assert.deepEqual(broken({ records: [...ok, killed, ...again] }), {});
  assert.deepEqual(broken({ records: [...ok, said('lost', 25), ...again] }), {});
  // It was written before the process died: no reason to run again.
  const written = [...ok, said('succeeded', 20.5), killed, ...again];
  assert.equal(broken({ records: written })[BEYOND]?.length, 1);
});

test('a success is hidden by an outage only when the lease could run out meanwhile', () => {
  const outages = [{ server: 'A', fromAt: 15, toAt: 20_000 }];
  const ok = [start('a', 10), end('a', 20)];
  const late = [...ok, start('b', 12_000, { pid: OTHER_PID }), end('b', 12_001)];
  assert.deepEqual(broken({ records: late, outages }), {});
  assert.deepEqual(Object.keys(broken({ records: late })), [BEYOND]);
  const soon = [...ok, start('b', 3_000, { pid: OTHER_PID }), end('b', 3_001)];
  assert.deepEqual(Object.keys(broken({ records: soon, outages })), [BEYOND]);
});

test('two executions at one time overlap; one ends with its thread or process at the latest', () => {
  const records = [start('a', 10), start('b', 30, { pid: OTHER_PID }), end('b', 40)];
  assert.match(broken({ records })[OVERLAPS]?.[0] ?? '', /still ran when/);
  const thread = { k: 'thread-gone', pid: SERVER_PID, tid: 1, at: 29 } as const;
  assert.deepEqual(broken({ records: [...records, thread] }), {});
  const other = { ...thread, tid: 2 };
  assert.equal(broken({ records: [...records, other] })[OVERLAPS]?.length, 1);
  const gone = { k: 'gone', pid: SERVER_PID, by: 'kill', at: 29 } as const;
  assert.deepEqual(broken({ records: [...records, gone] }), {});
  assert.equal(broken({ records: [...records, { ...gone, at: 31 }] })[OVERLAPS]?.length, 1);
});

test('a frozen execution ended when it was frozen, if it is gone at once afterwards and settles nothing', () => {
  const frozen = { k: 'frozen', pid: SERVER_PID, at: 20 } as const;
  const thawed = { k: 'thawed', pid: SERVER_PID, at: 1_000 } as const;
  const other = [start('b', 500, { pid: OTHER_PID }), end('b', 1_500)];
  const goneAt = (at: number): RunRecord => ({ k: 'thread-gone', pid: SERVER_PID, tid: 1, at });
  const records = [start('a', 10), frozen, thawed, ...other];
  assert.deepEqual(broken({ records: [...records, goneAt(1_040)] }), {});
  const [late] = broken({ records: [...records, goneAt(1_060)] })[OVERLAPS] ?? [];
  assert.match(late ?? '', /60 ms after/);
  assert.deepEqual(broken({ records: [...records, goneAt(1_060)], lagAt: () => 20 }), {});
  const slow = [...records, { k: 'waited', pid: SERVER_PID, ms: 20, at: 1_250 } as const];
  assert.deepEqual(broken({ records: [...slow, goneAt(1_060)] }), {});
  assert.equal(broken({ records: [...slow, goneAt(1_080)] })[OVERLAPS]?.length, 1);
  const settled = [...records, goneAt(1_040), said('retried', 1_050)];
  assert.match(
    broken({ records: settled })[OVERLAPS]?.[0] ?? '',
    /frozen, and retried all the same/,
  );
});

test('a process that is still there is left behind', () => {
  assert.deepEqual(broken({ left: ['process 7: node'] })[LEFT], ['process 7: node']);
});
