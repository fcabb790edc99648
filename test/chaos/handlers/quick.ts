/** Computes for a moment. */
import { recorded, type RecordedHandler } from '../deed.ts';

const handle: RecordedHandler = recorded(({ ms }) => {
  const until = performance.now() + ms;
  let sum = 0;
  while (performance.now() < until) sum += Math.sqrt(sum + 1);
});

export default handle;
