/** Takes its thread or its whole process with it on its first attempts. */
import { holdThread, recorded, type RecordedHandler } from '../deed.ts';

const WAYS: readonly (() => void)[] = [
  () => process.abort(),
  () => process.kill(process.pid, 'SIGKILL'),
  () => process.exit(7),
];

const handle: RecordedHandler = recorded(({ ms, way }, { isBad, die }) => {
  holdThread(ms);
  if (!isBad) return;
  die();
  WAYS[way % WAYS.length]?.();
  for (;;); // until the signal has come
});

export default handle;
