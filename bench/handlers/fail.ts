/** Fails for good: its task is archived. */
import { SkipRetry } from '../../src/handler.ts';

/** The handler of `fail`. */
export default function fail(): never {
  throw new SkipRetry('on purpose');
}
