/** Changes tasks that wait: `reschedule` and `updatePayload` of `Client`. */
import type { Broker, StoredTask } from './broker/broker.ts';
import {
  DuplicateTaskError,
  InvalidOptionsError,
  TaskNotFoundError,
  TaskStateError,
  UndecodableMessageError,
} from './errors.ts';
import { isTaskDefinition } from './handler.ts';
import { checkReschedule, checkTaskAddress, type TaskAddress } from './policy/edit-options.ts';
import { encodeBounded } from './policy/enqueue-options.ts';
import { isTaskState, taskInfo } from './policy/task-info.ts';
import type { NewTask, RescheduleWhen, TaskInfo } from './task.ts';
import { validatePayload } from './validate-payload.ts';
import { queueKeys } from './wire/keys.ts';
import { decodeTaskMessage, replacePayload, type TaskMessage } from './wire/task-message.ts';

/** What an editor works with. */
export interface TaskEditorOptions {
  readonly broker: Pick<Broker, 'getTask' | 'reschedule' | 'replaceMessage'>;
  /** Bytes. */
  readonly maxPayloadSize: number;
}

/** Which task: what `enqueue` answered, or `{ id, queue }`. */
export interface TaskIdentity {
  readonly id: string;
  readonly queue?: string;
}

/** Others may change a message between the look and the act, but not again and again: a task that waits is quiet. */
const MAX_TRIES = 20;

/** Edits through a broker. */
export class TaskEditor {
  readonly #options: TaskEditorOptions;

  constructor(options: TaskEditorOptions) {
    this.#options = options;
  }

  /** See `Client.reschedule`. */
  async reschedule(task: TaskIdentity, when: RescheduleWhen): Promise<TaskInfo> {
    const address = checkTaskAddress(task);
    const due = checkReschedule(when);
    const call = { ...address, ...(due === undefined ? {} : { when: due }) };
    const reply = await this.#options.broker.reschedule(call);
    if (reply.status === 'gone') throw notFound(address);
    if (reply.status === 'state') {
      throw wrongState('reschedule', address, reply.state, RESCHEDULE_HINTS);
    }
    return infoOf(address, reply.task);
  }

  /** See `Client.updatePayload`. */
  async updatePayload(task: TaskIdentity, payload: unknown): Promise<TaskInfo> {
    const address = checkTaskAddress(task);
    const change = await changeOf(payload, this.#options.maxPayloadSize);
    for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
      const info = await this.#tryUpdate(address, change);
      if (info !== undefined) return info;
    }
    const facts = { ...address, state: 'being changed by others' };
    throw new TaskStateError('update', facts, 'try again');
  }

  /** `undefined`: somebody else has changed the message meanwhile. */
  async #tryUpdate(address: TaskAddress, change: PayloadChange): Promise<TaskInfo | undefined> {
    const { broker } = this.#options;
    const stored = await broker.getTask(address.queue, address.taskId);
    if (stored === undefined) throw notFound(address);
    const before = decodeTaskMessage(stored.message);
    checkType(change, before);
    const lock = lockOf(address, before, change);
    const message = replacePayload(stored.message, change.bytes, lock?.to ?? '');
    const reply = await broker.replaceMessage({
      ...address,
      old: stored.message,
      message,
      ...(lock === undefined ? {} : { lock }),
    });
    switch (reply.status) {
      case 'done':
        return infoOf(address, reply.task);
      case 'changed':
        return undefined;
      case 'gone':
        throw notFound(address);
      case 'duplicate':
        throw new DuplicateTaskError(before.type, address.queue, reply.holder || undefined);
      case 'state':
        throw wrongState('update', address, reply.state, UPDATE_HINTS);
    }
  }
}

interface PayloadChange {
  readonly bytes: Uint8Array;
  /** `undefined` and empty bytes look alike on the wire, but have different locks. */
  readonly isAbsent: boolean;
  /** Of a task that `defineTask` made. */
  readonly type: string | undefined;
}

async function changeOf(payload: unknown, maxPayloadSize: number): Promise<PayloadChange> {
  const defined = definedTask(payload);
  if (defined !== undefined) await validatePayload(defined);
  const value = defined === undefined ? payload : defined.payload;
  const bytes = encodeBounded(value, maxPayloadSize);
  return { bytes, isAbsent: value === undefined, type: defined?.type };
}

function definedTask(value: unknown): NewTask | undefined {
  if (typeof value !== 'object' || value === null || !('definition' in value)) return undefined;
  return isTaskDefinition(value.definition) ? (value as unknown as NewTask) : undefined;
}

function checkType({ type }: PayloadChange, { type: stored }: TaskMessage): void {
  if (type === undefined || type === stored) return;
  const accepts = `a payload, or a task of type ${JSON.stringify(stored)} as the stored one is`;
  throw new InvalidOptionsError([{ name: 'payload', value: type, accepts }]);
}

function lockOf(
  { queue }: TaskAddress,
  { type, uniqueKey }: TaskMessage,
  { bytes, isAbsent }: PayloadChange,
): { readonly from: string; readonly to: string } | undefined {
  if (uniqueKey === '') return undefined;
  return { from: uniqueKey, to: queueKeys(queue).unique(type, isAbsent ? undefined : bytes) };
}

function infoOf({ taskId }: TaskAddress, { message, state, dueAt }: StoredTask): TaskInfo {
  if (!isTaskState(state)) {
    throw new UndecodableMessageError(`task ${JSON.stringify(taskId)} has no known state`);
  }
  return taskInfo({ message: decodeTaskMessage(message), state, dueAt });
}

function notFound({ taskId, queue }: TaskAddress): TaskNotFoundError {
  return new TaskNotFoundError(taskId, queue);
}

const DEFAULT_HINT = 'its entry is not where its state says; `threadmill doctor` looks into that';
const COMMON_HINTS: Readonly<Record<string, string>> = {
  active: 'cancel it, or wait until it has ended',
  completed: 'enqueue it anew',
};
const RESCHEDULE_HINTS: Readonly<Record<string, string>> = {
  ...COMMON_HINTS,
  aggregating: 'its group decides when it runs',
  pending: 'it is far from both ends of a long queue; delete it and enqueue it anew',
};
const UPDATE_HINTS: Readonly<Record<string, string>> = {
  ...COMMON_HINTS,
  aggregating: 'its group is being aggregated',
};

function wrongState(
  act: string,
  address: TaskAddress,
  state: string,
  hints: Readonly<Record<string, string>>,
): TaskStateError {
  const facts = { ...address, state: state === '' ? 'in no state' : state };
  return new TaskStateError(act, facts, hints[state] ?? DEFAULT_HINT);
}
