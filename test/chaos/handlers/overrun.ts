/** Loops beyond its timeout on its first attempts. */
import { recorded, type RecordedHandler } from '../deed.ts';

const handle: RecordedHandler = recorded((_deed, { isBad }) => {
  if (isBad) for (;;);
});

export default handle;
