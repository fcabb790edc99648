/** A process of its own that runs a scheduler until a signal: `node run-scheduler.js <redis url> <lead in ms> <entries as JSON>`. */
import { createRedisBroker } from '../../src/broker/redis-broker.ts';
import { checkSchedule } from '../../src/policy/schedule-options.ts';
import { ScheduleRunner } from '../../src/scheduler/schedule-runner.ts';

const [, , redis = '', leadMs = '', entries = '[]'] = process.argv;
const schedule = checkSchedule(JSON.parse(entries), (path) => path, 1_000_000, []);
if (schedule === undefined) throw new Error('wrong entries');
const connectTimeoutMs = 2_000;
const broker = createRedisBroker({ redis, connectTimeoutMs });
const runner = new ScheduleRunner({ broker, schedule, connectTimeoutMs, leadMs: Number(leadMs) });
runner.emitter.on('enqueued', ({ taskId }) => process.stdout.write(`enqueued ${taskId}\n`));
runner.emitter.on('missed', ({ enqueued }) => process.stdout.write(`missed ${enqueued}\n`));
await runner.start();
process.stdout.write('started\n');
