/** The public names of `threadmill`. Handler modules import `threadmill/handler` instead, which loads no package. */
export { Client, type ClientOptions } from './client.ts';
export type { QueueInfo } from './broker/broker.ts';
export type { RedisOption } from './broker/connection.ts';
export type {
  BeforeLease,
  ErrorHandler,
  IsFailureFunction,
  PathOption,
  RecycleOption,
  RetryDelayFunction,
  ServerOptions,
  ServerSettings,
} from './config.ts';
export {
  type EmbeddedRedis,
  type EmbeddedRedisOptions,
  startEmbeddedRedis,
} from './embedded/embedded-redis.ts';
export * from './errors.ts';
export {
  type DefinedTask,
  defineHandler,
  defineTask,
  type EnqueueRequest,
  type EnqueueResult,
  type HandlerDefinition,
  type HandlerFunction,
  type HandlerOptions,
  type Middleware,
  RetryLater,
  RevokeTask,
  SkipRetry,
  type StandardSchema,
  type Task,
  type TaskContext,
  type TaskDefinition,
  type TaskDefinitionOptions,
  type TaskLogger,
} from './handler.ts';
export { createLogger, type LoggerOptions } from './logger.ts';
export type { RequeueReason } from './policy/settlement.ts';
export type { ServerEvents } from './runtime/events.ts';
export { Server } from './runtime/server.ts';
export type { ServerSnapshot, ServerStatus, ShutdownReport } from './runtime/server-snapshot.ts';
export type {
  Duration,
  EnqueueOptions,
  Headers,
  NewTask,
  TaskInfo,
  TaskRef,
  TaskState,
} from './task.ts';
export { type Observation, type ObserveOptions, observe } from './web/observe.ts';
