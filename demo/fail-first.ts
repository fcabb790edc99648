/** Middleware of the demo: fails marked tasks at their first attempt, so that the retry path is seen. */
import type { Middleware } from '../src/handler.ts';
import { FAIL_FIRST_HEADER } from './plan.ts';

const failFirst: Middleware = (task, _ctx, next) => {
  if (task.headers[FAIL_FIRST_HEADER] !== undefined && task.retried === 0) {
    throw new Error('failed on purpose, to show a retry');
  }
  return next();
};

export default failFirst;
