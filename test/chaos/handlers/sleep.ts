/** Waits without holding its thread, and obeys a stop. */
import { setTimeout as sleep } from 'node:timers/promises';
import { recorded, type RecordedHandler } from '../deed.ts';

const handle: RecordedHandler = recorded(({ ms }, { ctx }) =>
  sleep(ms, undefined, { signal: ctx.signal }),
);

export default handle;
