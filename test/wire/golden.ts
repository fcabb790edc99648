/** The golden vectors of protocol section 28: bytes made by the Go implementation, and what they hold. */
import type { SchedulerEnqueueEvent, SchedulerEntry } from '../../src/wire/scheduler-entry.ts';
import type { ServerInfo, WorkerInfo } from '../../src/wire/server-info.ts';
import { emptyTaskMessage } from '../../src/wire/task-message.ts';
import type { TaskMessage } from '../../src/wire/task-message.ts';

/** A value and its bytes in hex. */
export interface Golden<Value> {
  readonly value: Value;
  readonly hex: string;
}

/** `{"user_id":42}`, the payload of all vectors. */
export const payload: Uint8Array = new TextEncoder().encode('{"user_id":42}');

/** A task as a client enqueues it. */
export const plainTask: Golden<TaskMessage> = {
  value: {
    ...emptyTaskMessage(),
    type: 'email:send',
    payload,
    id: 'f1720682-f5a6-4db1-8953-4f48ae541d0f',
    queue: 'default',
    retry: 25,
    timeout: 1800,
  },
  hex: '0a0a656d61696c3a73656e64120e7b22757365725f6964223a34327d1a2466313732303638322d663561362d346462312d383935332d346634386165353431643066220764656661756c74281940880e',
};

/** A task with every field set. */
export const fullTask: Golden<TaskMessage> = {
  value: {
    type: 'email:send',
    payload,
    id: 'id-2',
    queue: 'critical',
    retry: 5,
    retried: 2,
    errorMsg: 'boom',
    timeout: 30,
    deadline: 1700003600,
    uniqueKey: 'asynq:{critical}:unique:email:send:1181f89307fa271072c095747d5813cc',
    lastFailedAt: 1700000000,
    retention: 86400,
    completedAt: 1700000100,
    groupKey: 'g1',
    headers: { trace: 'abc' },
  },
  hex: '0a0a656d61696c3a73656e64120e7b22757365725f6964223a34327d1a0469642d322208637269746963616c280530023a04626f6f6d401e4890fecfaa0652436173796e713a7b637269746963616c7d3a756e697175653a656d61696c3a73656e643a31313831663839333037666132373130373263303935373437643538313363635880e2cfaa066080a30568e4e2cfaa06720267317a0c0a0574726163651203616263',
};

/** A server. */
export const serverInfo: Golden<ServerInfo> = {
  value: {
    host: 'host1',
    pid: 4242,
    serverId: '3a1f5f0e-0000-4000-8000-000000000001',
    concurrency: 10,
    queues: { default: 1 },
    strictPriority: true,
    status: 'active',
    startTimeMs: 1700000000500,
    activeWorkerCount: 1,
  },
  hex: '0a05686f7374311092211a2433613166356630652d303030302d343030302d383030302d303030303030303030303031200a2a0b0a0764656661756c74100130013a06616374697665420c0880e2cfaa061080cab5ee014801',
};

/** A running task. */
export const workerInfo: Golden<WorkerInfo> = {
  value: {
    host: 'host1',
    pid: 4242,
    serverId: '3a1f5f0e-0000-4000-8000-000000000001',
    taskId: 'id-2',
    taskType: 'email:send',
    taskPayload: payload,
    queue: 'critical',
    startTimeMs: 1700000000500,
    deadlineMs: 1700001800000,
  },
  hex: '0a05686f7374311092211a2433613166356630652d303030302d343030302d383030302d303030303030303030303031220469642d322a0a656d61696c3a73656e64320e7b22757365725f6964223a34327d3a08637269746963616c420c0880e2cfaa061080cab5ee014a060888f0cfaa06',
};

/** A periodic task that has never been enqueued. */
export const schedulerEntry: Golden<SchedulerEntry> = {
  value: {
    id: '7837f142-6337-4217-9276-8f27281b67d1',
    spec: '@every 30s',
    taskType: 'tick',
    taskPayload: new Uint8Array(0),
    enqueueOptions: ['Queue("low")', 'MaxRetry(3)'],
    nextEnqueueAt: 1700000030000,
    prevEnqueueAt: undefined,
  },
  hex: '0a2437383337663134322d363333372d343231372d393237362d386632373238316236376431120a406576657279203330731a047469636b2a0c517565756528226c6f7722292a0b4d617852657472792833293206089ee2cfaa063a0b088092b8c398feffffff01',
};

/** One firing of a periodic task. */
export const enqueueEvent: Golden<SchedulerEnqueueEvent> = {
  value: { taskId: 'id-2', enqueuedAt: 1700000030123 },
  hex: '0a0469642d32120b089ee2cfaa0610c0a9d33a',
};

/** Bytes as hex. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Bytes of hex, as a plain Uint8Array. */
export function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}
