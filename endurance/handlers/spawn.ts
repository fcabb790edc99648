/** Starts processes and forgets them, until its timeout. */
import { spawn } from 'node:child_process';
import { defineHandler, type HandlerDefinition, type Task } from '../../src/handler.ts';
import type { Marked } from '../marker.ts';

/** The handler of `spawn`. */
const spawnHandler: HandlerDefinition = defineHandler({
  timeout: '300ms',
  handle: (task: Task) => {
    const { seconds } = task.json() as Marked;
    for (const detached of [false, true]) spawn('sleep', [seconds], { stdio: 'ignore', detached });
    return new Promise(() => setInterval(() => undefined, 60_000));
  },
});

export default spawnHandler;
