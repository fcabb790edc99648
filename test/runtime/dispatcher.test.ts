import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LeaseCall, LeaseReply } from '../../src/broker/broker.ts';
import { systemClock } from '../../src/clock.ts';
import { ActiveTasks } from '../../src/runtime/active-tasks.ts';
import { Dispatcher } from '../../src/runtime/dispatcher.ts';
import { ServerEmitter } from '../../src/runtime/emitter.ts';
import type { Intake, LeasedBatch } from '../../src/runtime/intake.ts';
import { givenTimeOf } from '../helpers/given-time.ts';
import { useFleet } from '../helpers/server.ts';

const fleet = await useFleet();

test('stop() waits for every lease under way, also when that of another queue failed', async () => {
  const accepted: string[] = [];
  let onSecond: () => void = () => undefined;
  const bothAsked = new Promise<void>((resolve) => {
    onSecond = resolve;
  });
  let asked = 0;
  let answer: (reply: LeaseReply) => void = () => undefined;
  let onFault: () => void = () => undefined;
  const broker = {
    lease: ({ queue }: LeaseCall): Promise<LeaseReply> => {
      asked += 1;
      if (asked === 2) onSecond();
      if (queue === 'bad') return Promise.reject(new Error('refused'));
      return new Promise((resolve) => {
        answer = resolve;
      });
    },
    watchQueues: () => ({
      arm: () => Promise.resolve([Infinity, Infinity]),
      close: () => Promise.resolve(),
    }),
  };
  const intake: Pick<Intake, 'accept'> = {
    accept: ({ tasks }: LeasedBatch) => void accepted.push(...tasks.map(({ id }) => id)),
  };
  const emitter = new ServerEmitter();
  const faulted = new Promise<void>((resolve) => {
    onFault = resolve;
  });
  emitter.on('fault', () => onFault());
  const dispatcher = new Dispatcher({
    broker,
    intake: intake as Intake,
    emitter,
    active: new ActiveTasks(),
    hooks: { mayLease: () => Promise.resolve(true) },
    clock: systemClock,
    queues: { bad: 1, slow: 1 },
    strictPriority: false,
    // So many draws that each queue is asked in the first round.
    concurrency: 64,
    leaseDurationMs: 30_000,
    pollIntervalMs: 60_000,
    serverName: 'server',
    runs: { reserve: () => 1 },
    notes: { dueIn: () => [], noted: () => undefined },
    lostLeases: { add: () => undefined },
    returned: { next: undefined, onReply: () => undefined },
    isHeld: () => false,
    finisher: { giveBack: () => undefined },
    withdraw: () => false,
  });
  dispatcher.start();
  await bothAsked;
  let isStopped = false;
  const stopped = dispatcher.stop().then(() => {
    isStopped = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isStopped, false);
  answer({
    tasks: [
      { id: 'late', run: 1, message: undefined, waitedMs: undefined, crashes: 0, isSuspect: false },
    ],
    dropped: [],
    more: false,
  });
  await Promise.all([stopped, faulted]);
  assert.deepEqual(accepted, ['late']);
});

test('a beforeLease that never answers holds up no shutdown', async () => {
  let onAsked: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => {
    onAsked = resolve;
  });
  const server = fleet.make({
    queues: ['unanswered'],
    shutdownTimeout: '20s',
    beforeLease: () => {
      onAsked();
      return new Promise<boolean>(() => {});
    },
  });
  await server.start();
  await asked;
  const ms = await givenTimeOf(() => server.shutdown());
  assert.ok(ms < 5_000, `${ms} ms`);
});
