/** A server's face for metrics: events are emitted by the test, queues are what the test says. */
import { EventEmitter } from 'node:events';
import type { QueueInfo } from '../../src/broker/broker.ts';
import type { MetricsSnapshot, MetricsSource } from '../../src/metrics/metrics-source.ts';
import type { ServerEvents } from '../../src/runtime/events.ts';
import type { TaskRef } from '../../src/task.ts';

export class FakeSource implements MetricsSource {
  readonly #emitter = new EventEmitter();
  readonly queues: readonly string[] = ['default', 'low'];
  readonly asked: string[] = [];
  figures: MetricsSnapshot = { threadsTotal: 4, threadsBusy: 3, active: 5, stuck: 0 };
  answer: (queue: string) => Promise<QueueInfo> = (queue) => Promise.resolve(queueInfo(queue));

  on<Name extends keyof ServerEvents>(
    event: Name,
    listener: (event: ServerEvents[Name][0]) => void,
  ): void {
    this.#emitter.on(event, listener);
  }

  emit<Name extends keyof ServerEvents>(event: Name, value: ServerEvents[Name][0]): void {
    this.#emitter.emit(event, value);
  }

  snapshot(): MetricsSnapshot {
    return this.figures;
  }

  queueInfo(queue: string): Promise<QueueInfo> {
    this.asked.push(queue);
    return this.answer(queue);
  }
}

export function taskRef(given: Partial<TaskRef> = {}): TaskRef {
  return { id: '1', type: 'image:resize', queue: 'default', retried: 0, maxRetry: 25, ...given };
}

export function queueInfo(queue: string, given: Partial<QueueInfo> = {}): QueueInfo {
  return {
    queue,
    counts: {
      active: 1,
      pending: 2,
      scheduled: 3,
      retry: 4,
      archived: 5,
      completed: 6,
      aggregating: 7,
    },
    size: 28,
    latencyMs: 1500,
    memoryBytes: 4096,
    groups: 0,
    processedToday: 0,
    failedToday: 0,
    takenAt: new Date(0),
    processedTotal: 100,
    failedTotal: 10,
    isPaused: false,
    ...given,
  };
}
