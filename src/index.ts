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
  type AggregateContext,
  type AggregatedTask,
  type AggregatorDefinition,
  type AggregatorOptions,
  type DefinedTask,
  defineAggregator,
  defineHandler,
  defineTask,
  type EnqueueRequest,
  type EnqueueResult,
  type GroupedTask,
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
export type {
  CheckName,
  DiagnoseOptions,
  Diagnosis,
  DoctorProgress,
  Finding,
  FindingStatus,
} from './inspector/doctor/diagnose.ts';
export { Inspector, type InspectorOptions } from './inspector/inspector.ts';
export type * from './inspector/types.ts';
export { createLogger, type LoggerOptions } from './logger.ts';
export type { RequeueReason } from './policy/settlement.ts';
export type { MissedPolicy } from './policy/schedule.ts';
export type { ScheduleEntry } from './policy/schedule-entry.ts';
export type { ScheduleOptions, ScheduleProvider } from './policy/schedule-options.ts';
export type { ServerEvents } from './runtime/events.ts';
export { Server } from './runtime/server.ts';
export type { ServerSnapshot, ServerStatus, ShutdownReport } from './runtime/server-snapshot.ts';
export type { EntryRef, SchedulerEvents, SchedulerListener } from './scheduler/events.ts';
export { type ScheduledEntry, Scheduler, type SchedulerOptions } from './scheduler/scheduler.ts';
export type {
  Duration,
  EnqueueOptions,
  GroupRef,
  Headers,
  NewTask,
  RescheduleWhen,
  TaskInfo,
  TaskRef,
  TaskState,
} from './task.ts';
export type { TaskIdentity } from './task-editor.ts';
export { type Observation, type ObserveOptions, observe } from './web/observe.ts';
