/**
 * Every error class of Threadmill. Each carries a stable `code` (a promise: it never changes meaning), the offending
 * value in its message, and what to do about it. This file imports no package, so that worker threads may load it.
 */
import { ThreadmillError } from './errors/base.ts';
import { describeIssue, show, type OptionIssue } from './show.ts';

export { ThreadmillError } from './errors/base.ts';
export * from './errors/queue-errors.ts';
export * from './errors/scheduler-errors.ts';
export * from './errors/task-errors.ts';
export { describeIssue, type OptionIssue, show, toError } from './show.ts';

/** `ERR_INVALID_OPTIONS`: one or more options are wrong; `issues` lists every one of them. */
export class InvalidOptionsError extends ThreadmillError {
  readonly issues: readonly OptionIssue[];

  constructor(issues: readonly OptionIssue[], what = 'options') {
    super('ERR_INVALID_OPTIONS', `invalid ${what}: ${issues.map(describeIssue).join('; ')}`);
    this.issues = issues;
  }
}

/** `ERR_PAYLOAD_TOO_LARGE`: the encoded payload or result has more bytes than allowed. */
export class PayloadTooLargeError extends ThreadmillError {
  readonly size: number;
  readonly limit: number;

  constructor(what: string, size: number, limit: number) {
    super(
      'ERR_PAYLOAD_TOO_LARGE',
      `${what} has ${size} bytes, over the limit of ${limit}: store it elsewhere and pass a reference, or raise maxPayloadSize`,
    );
    this.size = size;
    this.limit = limit;
  }
}

/** `ERR_INVALID_PAYLOAD`: a payload (or result) does not fit the schema of its task type; `issues` says where. */
export class InvalidPayloadError extends ThreadmillError {
  readonly issues: readonly string[];

  constructor(what: string, issues: readonly string[]) {
    super('ERR_INVALID_PAYLOAD', `${what} does not fit its schema: ${issues.join('; ')}`);
    this.issues = issues;
  }
}

/** `ERR_NOT_SERIALIZABLE`: a payload, result, progress value or log field cannot be written as JSON or bytes. */
export class NotSerializableError extends ThreadmillError {
  constructor(what: string, options?: ErrorOptions) {
    super(
      'ERR_NOT_SERIALIZABLE',
      `${what} cannot be serialized: give bytes, a string, or a value that JSON can hold`,
      options,
    );
  }
}

/** `ERR_REDIS_UNREACHABLE`: no connection within the connect timeout; nothing was sent, so nothing was stored. */
export class RedisUnreachableError extends ThreadmillError {
  constructor(address: string, timeoutMs: number, options?: ErrorOptions) {
    super(
      'ERR_REDIS_UNREACHABLE',
      `Redis at ${address} was not reachable within ${timeoutMs} ms: check that it runs and that REDIS_URL is right`,
      options,
    );
  }
}

/** `ERR_NO_REDIS`: a client was given no Redis, and none runs in this folder. */
export class NoRedisError extends ThreadmillError {
  constructor() {
    super(
      'ERR_NO_REDIS',
      'no Redis to connect to: pass `redis`, set REDIS_URL, or start the runtime in this folder (npm start)',
    );
  }
}

/** `ERR_CLIENT_CLOSED`: a call on a client or an inspector after its `close()`. */
export class ClientClosedError extends ThreadmillError {
  constructor(what: 'client' | 'inspector' = 'client') {
    super('ERR_CLIENT_CLOSED', `the ${what} is closed: make a new one`);
  }
}

/** `ERR_REPLY_LOST`: a command was sent to Redis but no reply came; it may have been carried out, once at most. */
export class ReplyLostError extends ThreadmillError {
  constructor(address: string, options?: ErrorOptions) {
    super(
      'ERR_REPLY_LOST',
      `no reply from Redis at ${address}: the command may have been carried out; check the connection`,
      options,
    );
  }
}

/** `ERR_REDIS_REPLY`: Redis refused a command, e.g. for lack of memory or rights. The text is Redis's own. */
export class RedisReplyError extends ThreadmillError {
  /** What Redis answered, e.g. `NOPERM this user has no permissions to run the 'get' command`. */
  readonly reply: string;

  constructor(address: string, reply: string) {
    const hint = reply.includes('OOM command') ? ': its memory is full; raise maxmemory' : '';
    super('ERR_REDIS_REPLY', `Redis at ${address} answered: ${reply}${hint}`);
    this.reply = reply;
  }
}

/**
 * `ERR_ENQUEUE_UNCERTAIN`: the command was sent but its reply never came. The task may have been stored. When the same
 * client enqueues the same task with this `taskId` within five minutes, it gets the answer that was lost, or the task is
 * stored, even if it has been run and deleted meanwhile (the last 10,000 such tasks are remembered). From another client
 * such a repeat is a `TaskIdConflictError` as long as the task exists; of a unique task it is a `DuplicateTaskError` with
 * this very `existingTaskId` as long as the lock is held.
 */
export class EnqueueUncertainError extends ThreadmillError {
  readonly taskId: string;
  readonly queue: string;

  constructor(taskId: string, queue: string, options?: ErrorOptions) {
    super(
      'ERR_ENQUEUE_UNCERTAIN',
      `no reply from Redis: task ${show(taskId)} may have been stored in queue ${show(queue)}; repeat with this taskId, which is safe`,
      options,
    );
    this.taskId = taskId;
    this.queue = queue;
  }
}

/** `ERR_UNSUPPORTED_REDIS`: the server is older than Redis 6.2 or Valkey 7.2, or is something else. */
export class UnsupportedRedisError extends ThreadmillError {
  constructor(found: string) {
    super(
      'ERR_UNSUPPORTED_REDIS',
      `found ${found}; Threadmill needs Redis 6.2 or later, or Valkey 7.2 or later`,
    );
  }
}

/** `ERR_EMBEDDED_REDIS`: the private Redis could not be found, installed or started. */
export class EmbeddedRedisError extends ThreadmillError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_EMBEDDED_REDIS', message, options);
  }
}

/** `ERR_HANDLER_LOAD`: a handler or middleware module cannot be used; names the file, the reason and how to exclude it. */
export class HandlerLoadError extends ThreadmillError {
  readonly file: string;
  readonly reason: string;

  constructor(file: string, reason: string, options?: ErrorOptions) {
    super('ERR_HANDLER_LOAD', `${file}: ${reason}`, options);
    this.file = file;
    this.reason = reason;
  }
}

/** `ERR_HANDLER_NOT_FOUND`: no handler for this task type. An ordinary failure, as in asynq: retried, then archived. */
export class HandlerNotFoundError extends ThreadmillError {
  constructor(type: string) {
    super('ERR_HANDLER_NOT_FOUND', `handler not found for task ${show(type)}`);
  }
}

/** `ERR_UNDECODABLE_MESSAGE`: the bytes beside a task ID are not a task message of the protocol. */
export class UndecodableMessageError extends ThreadmillError {
  constructor(reason: string, options?: ErrorOptions) {
    super('ERR_UNDECODABLE_MESSAGE', `undecodable task message: ${reason}`, options);
  }
}

/** `ERR_TASK_CANCELED`: thrown by `ctx.throwIfCanceled()`, and the reason of `ctx.signal`. `reason` says why. */
export class TaskCanceledError extends ThreadmillError {
  readonly reason: string;

  constructor(reason: string, message: string) {
    super('ERR_TASK_CANCELED', message);
    this.reason = reason;
  }
}

/** `ERR_TOO_MANY_CALLS`: a thread has too many `ctx.enqueue` calls without an answer: await some before making more. */
export class TooManyCallsError extends ThreadmillError {
  constructor(limit: number) {
    super(
      'ERR_TOO_MANY_CALLS',
      `${limit} enqueue calls of this thread wait for an answer: await some before making more, or use enqueueMany`,
    );
  }
}

/** `ERR_THREAD_DIED`: the thread ended while it ran the task (`process.exit`, out of memory, an uncaught error). */
export class ThreadDiedError extends ThreadmillError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_THREAD_DIED', message, options);
  }
}

/** `ERR_PROCESS_DIED`: the process ended while it ran the task (out of memory, a crash of native code, a signal). */
export class ProcessDiedError extends ThreadmillError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_PROCESS_DIED', message, options);
  }
}

/** `ERR_TASK_PUT_OFF`: the task cannot run now; it is tried again within seconds, and nothing is spent. */
export class TaskPutOffError extends ThreadmillError {
  constructor(reason: string) {
    super('ERR_TASK_PUT_OFF', `the task was put off: ${reason}`);
  }
}

/** `ERR_CRASH_LIMIT`: the task killed the thread or process that ran it too often, and is archived. `cause`: the last time. */
export class CrashLimitError extends ThreadmillError {
  readonly crashes: number;

  constructor(crashes: number, last: Error) {
    super(
      'ERR_CRASH_LIMIT',
      `the task ended the thread or process that ran it ${crashes} times, the last time: ${last.message}`,
      { cause: last },
    );
    this.crashes = crashes;
  }
}

/** `ERR_PROCESS_EXIT`: a handler called `process.exit`, which ends its thread and fails its task. */
export class ProcessExitError extends ThreadmillError {
  /** What it was called with; `undefined` without an argument. */
  readonly exitCode: number | string | undefined;

  constructor(exitCode: number | string | undefined) {
    super(
      'ERR_PROCESS_EXIT',
      `the handler called process.exit(${exitCode ?? ''}): return or throw instead`,
    );
    this.exitCode = exitCode;
  }
}

/** `ERR_PORT_IN_USE`: the HTTP port is taken. */
export class PortInUseError extends ThreadmillError {
  constructor(host: string, port: number, options?: ErrorOptions) {
    super(
      'ERR_PORT_IN_USE',
      `port ${port} on ${host} is in use: set HTTP_PORT to another port, to 0 for any free one, or to off`,
      options,
    );
  }
}

/** `ERR_HTTP_LISTEN`: the HTTP server cannot listen there, for another reason than a port in use. */
export class HttpListenError extends ThreadmillError {
  constructor(host: string, port: number, reason: string, options?: ErrorOptions) {
    super(
      'ERR_HTTP_LISTEN',
      `cannot listen on ${host}, port ${port} (${reason}): set HTTP_HOST to an address of this machine, HTTP_PORT to a port that this user may open`,
      options,
    );
  }
}

/** `ERR_SERVER_STATE`: a call that the server's state does not allow, e.g. `start()` after `shutdown()`. */
export class ServerStateError extends ThreadmillError {
  constructor(call: string, state: string) {
    super('ERR_SERVER_STATE', `${call} is not possible: the server is ${state}`);
  }
}
